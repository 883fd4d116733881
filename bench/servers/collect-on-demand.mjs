// SIGUSR2 collects garbage, so that memory is measured without what is about to be freed anyway.
// Needs --expose-gc; prints a line when it is done.
process.on('SIGUSR2', () => {
  for (let i = 0; i < 3; i++) globalThis.gc();
  console.log('collected');
});
