// One process, so that these tests share one Chromium and one router.
import './start.mjs';
import './clicks.mjs';
import './errors.mjs';
