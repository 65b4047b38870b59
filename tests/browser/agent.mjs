// A stand-in for an agent's command line: it takes each step only when the walk allows it, by a file in the control
// folder. `node agent.mjs PROMPT_FILE CONTROL_FOLDER`
import fs from 'node:fs';
import path from 'node:path';
import readline from 'node:readline';

const [promptFile, control] = process.argv.slice(2);
const mailbox = process.env.ZHONGSHU_MAILBOX;
const prompt = fs.readFileSync(promptFile, 'utf8');
const value = (name) => new RegExp(`^${name}: (.+)$`, 'm').exec(prompt)?.[1];
const department = value('department_session_id') ? value('department') : null;
const id = value('department_session_id') ?? value('session_id');

const say = (text) => process.stdout.write(`\x1b[36m${department ?? 'planner'}\x1b[0m ${text}\r\n`);
const announce = (state) => process.stdout.write(`\x1b]7501;state=${state}:app=walk\x1b\\`);

function report(name, content) {
  const unfinished = path.join(mailbox, `${name}.tmp`);
  fs.writeFileSync(unfinished, JSON.stringify(content));
  fs.renameSync(unfinished, path.join(mailbox, name));
}

// An agent that nobody allows anything ends by itself after a while.
async function allowed(step) {
  const file = path.join(control, step);
  for (let round = 0; round < 6000; round += 1) {
    if (fs.existsSync(file)) return fs.readFileSync(file, 'utf8');
    await new Promise((done) => setTimeout(done, 20));
  }
  say(`nobody allowed ${step}`);
  process.exit(1);
}

if (process.stdin.isTTY) process.stdin.setRawMode(false);
readline.createInterface({ input: process.stdin }).on('line', (line) => say(`heard: ${line.trim()}`));

if (department) {
  announce('working');
  say('is at work');
  const result = JSON.parse(await allowed(`result-${department}`));
  for (const file of result.changed_files) {
    fs.mkdirSync(path.dirname(file), { recursive: true });
    fs.appendFileSync(file, `\n${department} was here.\n`);
  }
  report(`result-${id}.json`, { parent_session_id: value('parent_session_id'), department_session_id: id, department, ...result });
  announce('done');
  process.exit(0);
}

announce('working');
say('reads the repository');
for (const step of ['plan-1', 'plan-2']) {
  const plan = JSON.parse(await allowed(step));
  report(`${step}.json`, { session_id: id, ...plan });
  announce('idle');
  say(`has reported ${step}`);
}
