// Runs a filled router, to look at the console by hand: prints its address and waits for the end of its input.
import { startShop } from '../test/browser/seed.mjs';

const shop = await startShop();
console.log(shop.url);
process.stdin.on('end', () => void shop.stop()).resume();
