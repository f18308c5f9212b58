// All browser tests in one process, so that they share one Chromium and one router.
import './start.mjs';
import './pages.mjs';
import './clicks.mjs';
import './errors.mjs';
import './queue.mjs';
import './ids.mjs';
import './consent.mjs';
