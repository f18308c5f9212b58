/** `tracker.core.js`: views, clicks, all calls, delivery and consent; nothing that is watched beyond that. */
import { boot } from '../core';

boot();
