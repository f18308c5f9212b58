// One process, so that these tests share one Chromium and one router.
import './ids.mjs';
import './consent.mjs';
import './platform.mjs';
