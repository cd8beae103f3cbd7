// RoadRunner's own package for queues, unmodified, against its checklist, for each driver.

import { join } from 'node:path';
import { checkJobs } from '../e2e/checklist-jobs.ts';
import { scriptSpeaker } from '../e2e/services-client.ts';
import { JOB_DRIVERS } from '../helpers/job-drivers.ts';
import { ROOT } from '../helpers/paths.ts';
import { unavailable } from './kinds.ts';

const here = (file: string): string => join(ROOT, 'test', 'compat', file);

const PACKAGE = {
  ...scriptSpeaker("RoadRunner's package", here('jobs-client.php'), async () => unavailable('jobs')),
  command: ['php', here('jobs-worker.php')],
  anyReply: true,
  unknownPipeline: /no such pipeline: "nowhere"/,
};

for (const driver of JOB_DRIVERS) checkJobs(PACKAGE, driver);
