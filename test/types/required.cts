// The package in a CommonJS program in TypeScript.
import aionode = require('aionode');

const { createTask, run, sleep } = aionode;
import Task = aionode.Task;

run(async () => {
  const task: Task<number> = createTask(() => sleep(0, 2));
  console.log(await task, task instanceof Task);
});
