// Our own PHP package against RoadRunner's checklist of queues, on the default driver: the compat suite runs it for each of them.

import { JOB_DRIVERS } from '../helpers/job-drivers.ts';
import { fixture } from '../helpers/paths.ts';
import { checkJobs } from './checklist-jobs.ts';
import { NATIVE } from './kinds.ts';
import { scriptSpeaker } from './services-client.ts';

const PACKAGE = {
  ...scriptSpeaker('rrts/php-client', fixture('services/jobs-client.php'), () => NATIVE.prepare()),
  command: ['php', fixture('native/scripted-jobs.php')],
  anyReply: false,
  unknownPipeline: /no such pipeline: "nowhere"/,
};

for (const driver of JOB_DRIVERS.filter(({ name }) => name === 'local')) checkJobs(PACKAGE, driver);
