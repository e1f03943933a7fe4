'use strict';

const { createHash, createHmac, timingSafeEqual } = require('node:crypto');
const express = require('express');
const catalyst = require('zcatalyst-sdk-node');

/**
 * Takes what a rule's webhook tells, which cannot sign, and passes it on to Sangam signed; what Sangam could not take a job of
 * Catalyst brings again. Off without its variables: docs/zoho-extension.md.
 */
const {
  SANGAM_WEBHOOK_URL: sangamUrl = '',
  SANGAM_WEBHOOK_SECRET: sangamSecret = '',
  RELAY_SECRET: relaySecret = '',
  RELAY_URL: relayUrl = '',
  RELAY_JOB_POOL: jobPool = '',
} = process.env;

const isOn = sangamUrl !== '' && sangamSecret !== '' && relaySecret !== '';
const repeats = relayUrl !== '' && jobPool !== '';

/** The function itself ends after 30 s. */
const answerMs = 15_000;
const again = { number_of_retries: 5, retry_interval: 900 };

const app = express();
app.disable('x-powered-by');

// Deployed, Catalyst may leave this in front of the path.
app.use((request, _response, next) => {
  request.url = request.url.replace(/^\/execute\/?/, '/');
  next();
});

app.post(
  '/',
  (request, response, next) => {
    if (!isOn) answer(response, 503, 'off', 'The relay has not been told whom to pass this on to.');
    else if (!isSame(request.get('X-Sangam-Secret') ?? '', relaySecret))
      answer(response, 401, 'bad_secret', 'X-Sangam-Secret is not this relay’s.');
    else next();
  },
  express.raw({ type: () => true, limit: '1mb' }),
  async (request, response) => {
    const body = Buffer.isBuffer(request.body) ? request.body : Buffer.alloc(0);
    const status = await passOn(body);
    if (status === 200) {
      answer(response, 200, 'taken', 'Sangam has it.');
    } else if (!isPassing(status)) {
      answer(response, 502, 'refused', `Sangam answered ${status}.`);
    } else if (!repeats || request.get('X-Sangam-Again') !== undefined) {
      answer(response, 502, 'not_taken', 'Sangam could not take it now.');
    } else {
      const fault = await repeatLater(request, body);
      if (fault === undefined)
        answer(response, 202, 'later', 'Sangam could not take it now; a job brings it again.');
      else
        answer(
          response,
          502,
          'not_taken',
          `Sangam could not take it now, and no job could be made: ${fault}`,
        );
    }
  },
);

/**
 * Sangam's answer; 0: none came.
 * @param {Buffer} body
 */
async function passOn(body) {
  const timestamp = String(Date.now());
  const signature = createHmac('sha256', sangamSecret).update(`${timestamp}.`).update(body).digest('hex');
  try {
    const { status, body: said } = await fetch(sangamUrl, {
      method: 'POST',
      headers: {
        'Content-Type': 'application/json',
        'X-Sangam-Timestamp': timestamp,
        'X-Sangam-Signature': signature,
      },
      body: new Uint8Array(body),
      redirect: 'manual',
      signal: AbortSignal.timeout(answerMs),
    });
    await said?.cancel();
    return status;
  } catch {
    return 0;
  }
}

/** @param {number} status */
function isPassing(status) {
  return status === 0 || status === 429 || status >= 500;
}

/**
 * Has Catalyst bring it here again; signed anew then, since a signature lasts five minutes. Why it would not, else undefined.
 * @param {express.Request} request
 * @param {Buffer} body
 */
async function repeatLater(request, body) {
  try {
    await catalyst
      .initialize({ headers: request.headers }, { scope: 'admin' })
      .jobScheduling()
      .JOB.submitJob({
        job_name: 'sangam_relay',
        jobpool_name: jobPool,
        job_config: again,
        target_type: /** @type {never} */ ('Webhook'),
        url: relayUrl,
        request_method: 'POST',
        headers: {
          'Content-Type': 'application/json',
          'X-Sangam-Secret': relaySecret,
          'X-Sangam-Again': 'yes',
        },
        request_body: body.toString('utf8'),
      });
    return undefined;
  } catch (error) {
    return error instanceof Error ? error.message : 'unknown';
  }
}

/**
 * @param {express.Response} response
 * @param {number} status
 * @param {string} code
 * @param {string} message
 */
function answer(response, status, code, message) {
  response.status(status).json({ code, message });
}

/**
 * In constant time.
 * @param {string} given
 * @param {string} wanted
 */
function isSame(given, wanted) {
  return timingSafeEqual(digestOf(given), digestOf(wanted));
}

/** @param {string} text */
function digestOf(text) {
  return createHash('sha256').update(text).digest();
}

module.exports = app;
