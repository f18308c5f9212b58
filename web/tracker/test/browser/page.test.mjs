// One process, so that these tests share one Chromium and one router.
import './start.mjs';
import './pages.mjs';
import './clicks.mjs';
import './errors.mjs';
