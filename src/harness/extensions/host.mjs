// Runs a module that exports `registerAgentEvents(registry)`, or a default function: to the server this is an MCP server over standard input
// and output with the tool `handle_event`, as every extension is. The module does not have to know.
//
//     node host.mjs events.js
//
// The server calls one handler at a time, and ends the process when one takes too long: nothing here waits for the end of anything.

import { createInterface } from "node:readline";
import { resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { format } from "node:util";

const INVALID_PARAMS = -32602;
const UNKNOWN_METHOD = -32601;
const INTERNAL = -32603;

// Standard output belongs to the protocol; what the module prints is for whoever reads its complaints.
const write = process.stdout.write.bind(process.stdout);
const complain = (...words) => process.stderr.write(`${format(...words)}\n`);
process.stdout.write = (text, ...rest) => process.stderr.write(text, ...rest);
for (const level of ["log", "debug", "info", "warn", "error", "trace", "dir"]) {
  console[level] = complain;
}

/** What was registered; a handler is called by its place in this list. */
const handlers = [];
let isOpen = true;

const registry = {
  on(type, handler, { priority, timeoutMs } = {}) {
    if (!isOpen) {
      throw new Error(`${type} is registered too late: that is for registerAgentEvents alone`);
    }
    if (typeof type !== "string" || typeof handler !== "function") {
      throw new TypeError("registry.on takes the name of an event and a function");
    }
    for (const [name, value] of Object.entries({ priority, timeoutMs })) {
      if (value !== undefined && !Number.isSafeInteger(value)) {
        throw new TypeError(`${name} of ${type} is no whole number`);
      }
    }
    handlers.push({ type, handler, priority, timeoutMs });
  },
};

const logger = Object.fromEntries(
  ["debug", "info", "warn", "error"].map((level) => [level, (...words) => complain(`${level}:`, ...words)]),
);

async function settings(sessionId, key) {
  const { ZHONGSHU_URL: address, ZHONGSHU_TOKEN: token } = process.env;
  const query = key === undefined ? "" : `?key=${encodeURIComponent(key)}`;
  const url = `${address}/sessions/${encodeURIComponent(sessionId)}/settings${query}`;
  const answer = await fetch(url, { headers: { authorization: `Bearer ${token}` } });
  const body = await answer.json();
  if (!answer.ok) {
    throw new Error(`the settings of ${sessionId} were not read: ${body.message ?? answer.status}`);
  }
  return body;
}

/** What a handler gets beside the event; jobs that it asks for are collected. */
function tools(asked) {
  return {
    logger,
    enqueueJob: async (job) => {
      const result = { kind: "enqueue_result", job };
      asked.push(result);
      return result;
    },
    getSessionSettings: async (sessionId) => (await settings(sessionId)).settings,
    getSessionSetting: async (sessionId, key) => (await settings(sessionId, key)).value,
  };
}

async function handle({ event: type, payload, handler: place }) {
  const registered = handlers[Number(place)];
  if (registered?.type !== type) {
    throw new Refused(INVALID_PARAMS, `there is no handler ${place} of ${type}`);
  }
  const asked = [];
  try {
    const returned = await registered.handler({ type, payload }, tools(asked));
    const said = (Array.isArray(returned) ? returned : [returned]).filter((it) => it && typeof it === "object");
    // A job that the handler asked for and returned as well is one job.
    const isNew = (it) => it.job === undefined || !asked.some((known) => known.job === it.job);
    return [...asked, ...said.filter(isNew)];
  } catch (error) {
    complain(error);
    return [...asked, { kind: "handler_error", message: String(error?.message ?? error) }];
  }
}

/** Loads the module; whether there is anything to call in it. */
async function load(file) {
  const module = await import(pathToFileURL(resolve(file)).href);
  const found = module.registerAgentEvents ?? module.default?.registerAgentEvents ?? module.default;
  if (typeof found !== "function") {
    complain(`${file} exports neither registerAgentEvents nor a default function`);
    return false;
  }
  await found(registry);
  isOpen = false;
  return true;
}

function tool() {
  const events = handlers.map(({ type, priority, timeoutMs }, place) => ({
    event: type,
    priority,
    timeoutMs,
    handler: String(place),
  }));
  return {
    name: "handle_event",
    inputSchema: {
      type: "object",
      properties: { event: { type: "string" }, payload: {}, handler: { type: "string" } },
      required: ["event", "payload", "handler"],
    },
    _meta: { events },
  };
}

class Refused extends Error {
  constructor(code, message) {
    super(message);
    this.code = code;
  }
}

// Where the module comes from is in the first lines; what follows is the inside of Node.
Error.stackTraceLimit = 4;
const loaded = load(process.argv[2]);
// A module that does not load ends the process, and nothing is answered before. Of syntax errors only Node itself tells file and line, and
// only at its end.
let isBroken = false;
loaded.catch((error) => {
  isBroken = true;
  setImmediate(() => {
    if (error instanceof SyntaxError) {
      throw error;
    }
    complain(error);
    process.exit(1);
  });
});

async function answer(method, params) {
  switch (method) {
    case "initialize":
      return {
        protocolVersion: params.protocolVersion,
        capabilities: { tools: {} },
        serverInfo: { name: "zhongshu-node-host", version: "1.0.0" },
      };
    case "ping":
      return {};
    case "tools/list":
      return { tools: (await loaded) ? [tool()] : [] };
    case "tools/call":
      if (params.name !== "handle_event" || !(await loaded)) {
        throw new Refused(INVALID_PARAMS, `there is no tool ${params.name}`);
      }
      return { content: [], structuredContent: { results: await handle(params.arguments ?? {}) } };
    default:
      throw new Refused(UNKNOWN_METHOD, `there is no method ${method}`);
  }
}

async function take(line) {
  const { id, method, params = {} } = JSON.parse(line);
  // Notices need nothing: whoever calls an event off ends the process as well.
  if (id === undefined || method === undefined) {
    return;
  }
  let message;
  try {
    message = { result: await answer(method, params) };
  } catch (error) {
    if (isBroken) {
      return;
    }
    const code = error instanceof Refused ? error.code : INTERNAL;
    message = { error: { code, message: String(error?.message ?? error) } };
  }
  write(`${JSON.stringify({ jsonrpc: "2.0", id, ...message })}\n`);
}

const lines = createInterface({ input: process.stdin, crlfDelay: Infinity });
lines.on("line", (line) => take(line).catch(complain));
// Nobody is there any more.
lines.on("close", () => process.exit(0));
