// Copyright The Hearth Authors. SPDX-License-Identifier: Apache-2.0
//
// What a handler learns of its invocation. Also the ways to answer that AWS had before there were callbacks.
'use strict';

const { env } = process;

function parsed(text) {
  return text ? JSON.parse(text) : undefined;
}

class Context {
  constructor(invocation, { requestId, deadline, arn, tenant, identity, client }) {
    Object.defineProperty(this, 'callbackWaitsForEmptyEventLoop', {
      get: () => invocation.waitsForEmptyLoop,
      set: (value) => (invocation.waitsForEmptyLoop = value),
      enumerable: true,
    });
    const now = (error, result) => {
      invocation.waitsForEmptyLoop = false;
      invocation.callback(error, result);
    };
    this.succeed = (result) => now(null, result);
    this.fail = (error) => now(error === undefined || error === null ? 'handled' : error);
    this.done = (error, result) => now(error, result);
    this.functionVersion = env.AWS_LAMBDA_FUNCTION_VERSION;
    this.functionName = env.AWS_LAMBDA_FUNCTION_NAME;
    this.memoryLimitInMB = env.AWS_LAMBDA_FUNCTION_MEMORY_SIZE;
    this.logGroupName = env.AWS_LAMBDA_LOG_GROUP_NAME;
    this.logStreamName = env.AWS_LAMBDA_LOG_STREAM_NAME;
    this.clientContext = parsed(client);
    this.identity = parsed(identity);
    this.invokedFunctionArn = arn;
    this.awsRequestId = requestId;
    if (tenant) this.tenantId = tenant;
    this.getRemainingTimeInMillis = () => deadline - Date.now();
  }
}

module.exports = { Context };
