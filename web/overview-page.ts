/**
 * The page at `/`: jobs and their progress, and the leaderboard. Plain HTML made on the server; it
 * needs no script and no account, and loads itself anew now and then.
 */
import type { JobView, Standing } from '../protocol/http.ts';

export type Overview = {
  jobs: JobView[];
  /** Where the list of jobs goes on; null at its end. */
  older: string | null;
  /** Whether these are the newest. */
  isFirst: boolean;
  standings: Standing[];
  hosts: number;
  now: number;
};

/** Long enough to read a row, or to have it read out, before everything begins anew. */
const refreshSeconds = 10;

export function overviewPage(overview: Overview): string {
  const { jobs, standings, hosts, now } = overview;
  const running = jobs.filter((job) => job.state === 'open').length;
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="refresh" content="${refreshSeconds}">
<link rel="icon" href="data:,">
<title>Manyhands</title>
<style>${style}</style>
</head>
<body>
<header>
<h1>Manyhands</h1>
<p>${count(hosts, 'host')} connected · ${count(running, 'open job')} · ${new Date(now).toISOString().slice(11, 19)} UTC</p>
</header>
<main>
<section aria-labelledby="jobs">
<h2 id="jobs">Jobs</h2>
${jobs.length === 0 ? noJobs(overview) : jobTable(jobs)}
${jobLinks(overview)}
</section>
<section aria-labelledby="leaderboard">
<h2 id="leaderboard">Leaderboard</h2>
${standings.length === 0 ? '<p>No credit has been earned yet.</p>' : standingTable(standings)}
</section>
</main>
</body>
</html>
`;
}

const noJobs = ({ isFirst }: Overview): string =>
  isFirst ? '<p>No job has been submitted yet.</p>' : '<p>There are no older jobs.</p>';

/** To the newest, and to the next page. */
function jobLinks({ older, isFirst }: Overview): string {
  const links = [
    ...(isFirst ? [] : ['<a href="/">Newest jobs</a>']),
    ...(older === null
      ? []
      : [`<a href="/?after=${encodeURIComponent(older)}" rel="next">Older jobs</a>`]),
  ];
  return links.length === 0
    ? ''
    : `<nav aria-label="Pages of jobs"><p>${links.join(' · ')}</p></nav>`;
}

function jobTable(jobs: JobView[]): string {
  return `<table aria-labelledby="jobs">
<thead><tr><th scope="col">Job</th><th scope="col">State</th><th scope="col">Progress</th><th scope="col" class="number">Units</th><th scope="col" class="number">Failed</th><th scope="col" class="number">Credit</th></tr></thead>
<tbody>
${jobs.map(jobRow).join('\n')}
</tbody>
</table>`;
}

function jobRow(job: JobView): string {
  const done = job.canonical + job.failed;
  const percent = Math.floor((100 * done) / job.units);
  const label = `${done} of ${job.units} units done`;
  return `<tr><th scope="row">${escapeHtml(job.name)} <small>${job.jobId}</small></th><td data-label="State">${job.state}</td><td class="progress" data-label="Progress"><progress max="${job.units}" value="${done}" aria-label="${label}"></progress> ${percent}&nbsp;%</td><td class="number" data-label="Units">${job.units.toLocaleString('en')}</td><td class="number" data-label="Failed">${job.failed.toLocaleString('en')}</td><td class="number" data-label="Credit">${credit(job.creditMicro)}</td></tr>`;
}

function standingTable(standings: Standing[]): string {
  return `<table aria-labelledby="leaderboard">
<thead><tr><th scope="col" class="number">Rank</th><th scope="col">Volunteer</th><th scope="col" class="number">Credit</th><th scope="col" class="number">Recent</th><th scope="col" class="number">Units</th></tr></thead>
<tbody>
${standings.map(standingRow).join('\n')}
</tbody>
</table>
<p><small>Recent is the average credit a day; what was earned a week ago counts half.</small></p>`;
}

function standingRow({ rank, name, accountId, creditMicro, rac, units }: Standing): string {
  return `<tr><td class="number" data-label="Rank">${rank}</td><th scope="row">${escapeHtml(name)} <small>${accountId}</small></th><td class="number" data-label="Credit">${credit(creditMicro)}</td><td class="number" data-label="Recent">${credit(rac)}</td><td class="number" data-label="Units">${units.toLocaleString('en')}</td></tr>`;
}

/** Microcredit as credit, with enough digits that a first unit shows. */
function credit(micro: string): string {
  const value = Number(micro) / 1e6;
  const digits = value >= 100 ? 1 : value >= 1 ? 3 : 6;
  return value.toLocaleString('en', {
    minimumFractionDigits: digits,
    maximumFractionDigits: digits,
  });
}

const count = (n: number, noun: string): string => `${n} ${noun}${n === 1 ? '' : 's'}`;

const escapes: Record<string, string> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};
const escapeHtml = (text: string): string =>
  text.replace(/[&<>"']/g, (character) => escapes[character] ?? character);

const style = `
:root { color-scheme: light dark; --line: #8884; }
body { font: 16px/1.5 system-ui, sans-serif; margin: 2rem auto; max-width: 60rem; padding: 0 1rem; }
header p { margin-top: -0.5rem; }
table { border-collapse: collapse; width: 100%; }
th, td { text-align: left; padding: 0.4rem 0.6rem; border-bottom: 1px solid var(--line); font-weight: normal; }
:is(th, td):first-child { padding-left: 0; }
:is(th, td):last-child { padding-right: 0; }
thead th { font-weight: 600; }
tbody th { overflow-wrap: anywhere; }
.number { text-align: right; font-variant-numeric: tabular-nums; }
.progress { white-space: nowrap; }
progress { width: 8rem; vertical-align: middle; }
small { opacity: 0.75; font-size: 0.75rem; }
/* On a phone a row is its name and below it the rest, each with its column's name before it. */
@media (max-width: 40rem) {
  thead { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); }
  tbody tr { display: flex; flex-wrap: wrap; gap: 0 1rem; padding: 0.5rem 0; border-bottom: 1px solid var(--line); }
  th, td { padding: 0; border: 0; }
  tbody th { flex: 0 0 100%; order: -1; }
  td::before { content: attr(data-label) ' '; font-size: 0.75rem; opacity: 0.75; }
  progress { width: 4rem; }
}
`;
