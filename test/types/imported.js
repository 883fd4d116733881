// Plain JavaScript as a module, checked by its inferred types alone.
import { gather, run, sleep } from 'aionode';

run(async () => {
  const [number, text] = await gather(sleep(0, 1), async () => 'two');
  console.log(number.toFixed(1), text.toUpperCase());
});
