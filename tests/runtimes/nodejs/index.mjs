// What the cases common to all runtimes ask for, in JavaScript.

import fs from 'node:fs';

const init = process.env.INIT ?? '';
if (init === 'fail') throw new TypeError('no init');
if (init === 'exit') process.exit(3);
if (init === 'slow') await new Promise((done) => setTimeout(done, 15000));

let calls = 0;

class Mistake extends Error {
  constructor(message) {
    super(message);
    this.name = 'Mistake';
  }
}

export async function handler(event, context) {
  calls += 1;
  const asked = event?.do;
  return asked ? actions[asked](event, context) : event;
}

const actions = {
  context: (event, context) => ({
    request_id: context.awsRequestId,
    arn: context.invokedFunctionArn,
    name: context.functionName,
    version: context.functionVersion,
    memory: String(context.memoryLimitInMB),
    group: context.logGroupName,
    stream: context.logStreamName,
    time_left: context.getRemainingTimeInMillis() > 0 && context.getRemainingTimeInMillis() <= 30000,
    custom: context.clientContext?.custom?.key ?? null,
  }),
  environment: () => ({ ...process.env }),
  size: (event) => event.pad.length,
  large: (event) => 'x'.repeat(event.bytes - 2),
  count: () => calls,
  write: (event) => fs.writeFileSync('/tmp/kept', event.text),
  read: (event) => {
    try {
      return fs.readFileSync(event.path, 'utf8');
    } catch {
      return null;
    }
  },
  denied: (event) => {
    try {
      fs.writeFileSync(event.path, '');
      return false;
    } catch {
      return true;
    }
  },
  lines: async (event) => {
    for (const [name, text] of event.lines) {
      // What a full pipe does not take, Node.js writes later: an answer must not overtake it.
      await new Promise((done) => process[name === 'out' ? 'stdout' : 'stderr'].write(`${text}\n`, done));
    }
  },
  binary: () => {
    process.stdout.write(Buffer.from([...Array(256).keys(), 10]));
  },
  fail: (event) => {
    throw new Mistake(event.message);
  },
  exit: (event) => process.exit(event.status),
  crash: () => {
    process.kill(process.pid, 'SIGSEGV');
    return new Promise(() => setTimeout(() => {}, 60000));
  },
  sleep: (event) => new Promise((done) => setTimeout(done, event.ms)),
  memory: (event) => Buffer.alloc(event.mb << 20, 1).length,
  call: async ({ headers, body }) => {
    const answer = await fetch(`${process.env.AWS_ENDPOINT_URL}/`, { method: 'POST', headers, body });
    return [answer.status, await answer.text()];
  },
  sdk: async () => {
    const { STSClient, GetCallerIdentityCommand } = await import('@aws-sdk/client-sts');
    return (await new STSClient().send(new GetCallerIdentityCommand({}))).Arn;
  },
  import: async (event) => (await import(event.name)).default.MINE,
};
