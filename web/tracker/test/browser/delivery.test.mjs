// One process, so that these tests share one Chromium and one router.
import './queue.mjs';
