// Copyright The Hearth Authors. SPDX-License-Identifier: Apache-2.0
//
// Handlers that stream their answer (`awslambda.streamifyResponse`). A caller that does not stream gets it whole.
'use strict';

const MARK = Symbol.for('aws.lambda.runtime.handler.streaming');
const HTTP_TYPE = 'application/vnd.awslambda.http-integration-response';
const PRELUDE_END = Buffer.alloc(8);
/** Further bytes are counted and not kept: the answer is too large then. */
const KEPT_BYTES_MAX = 6291556 + 1;

function streamifyResponse(handler, options) {
  handler[MARK] = 'response';
  if (options && options.highWaterMark) handler[Symbol.for('aws.lambda.runtime.handler.streaming.highWaterMark')] = options.highWaterMark;
  return handler;
}

/** Runs a streaming handler and gathers what it writes. */
function collected(handler, event, context) {
  const { Writable } = require('node:stream');
  return new Promise((resolve, reject) => {
    const pieces = [];
    let kept = 0;
    const stream = new Writable({
      write(piece, encoding, done) {
        const bytes = Buffer.isBuffer(piece) ? piece : Buffer.from(piece, encoding);
        const room = KEPT_BYTES_MAX - kept;
        if (room > 0) pieces.push(bytes.subarray(0, room));
        kept += Math.min(room, bytes.length);
        done();
      },
    });
    stream.setContentType = (type) => (stream.contentType = type);
    stream.on('finish', () => resolve(Buffer.concat(pieces)));
    stream.on('error', reject);
    Promise.resolve(handler(event, stream, context)).then(() => {
      if (!stream.writableEnded && !stream.destroyed) stream.end();
    }, reject);
  });
}

class HttpResponseStream {
  static from(stream, prelude) {
    stream.setContentType(HTTP_TYPE);
    stream.write(JSON.stringify(prelude));
    stream.write(PRELUDE_END);
    return stream;
  }
}

module.exports = { collected, streamifyResponse, HttpResponseStream };
