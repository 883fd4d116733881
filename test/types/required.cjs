// Plain JavaScript that requires, checked by its inferred types alone.
const { run, waitFor } = require('aionode');

run(async () => {
  const number = await waitFor(async () => 3, 1);
  console.log(number.toFixed(1));
});
