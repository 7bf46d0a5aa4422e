// SPDX-License-Identifier: Apache-2.0
// Makes docs/images/call.png: four guests in a real call, each with a drawn picture for a camera.
//   node tests/e2e/picture.mjs [FILE]
import { fileURLToPath } from 'node:url';
import { chromium } from 'playwright-core';
import { args, executablePath } from './lib/browser.mjs';
import { startStoad } from './lib/stoad.mjs';

const file = process.argv[2] ?? fileURLToPath(new URL('../../docs/images/call.png', import.meta.url));
const people = [
  { name: 'Alice', wall: ['#f4d8b0', '#e0a877'], skin: '#f0c2a0', hair: '#5b3427', shirt: '#2f5d62', long: true },
  { name: 'Bob', wall: ['#b8cfdc', '#7c9db0'], skin: '#c98d63', hair: '#241c1a', shirt: '#d98e3f', beard: true },
  { name: 'Carol', wall: ['#cfdcc0', '#94ad82'], skin: '#8d5a3c', hair: '#1b1413', shirt: '#b5495b', long: true },
  { name: 'Dave', wall: ['#d9cbe0', '#a08fb3'], skin: '#f2cfb4', hair: '#c9803a', shirt: '#3c4f76' },
];

// In the page: a camera that shows a drawn person, who breathes.
function drawnCamera(person) {
  const canvas = document.createElement('canvas');
  Object.assign(canvas, { width: 1280, height: 720 });
  const c = canvas.getContext('2d');
  const ellipse = (x, y, rx, ry, colour) => {
    c.fillStyle = colour;
    c.beginPath();
    c.ellipse(x, y, rx, ry, 0, 0, 7);
    c.fill();
  };
  const draw = () => {
    const y = 4 * Math.sin(performance.now() / 900);
    const wall = c.createLinearGradient(0, 0, 1280, 720);
    person.wall.forEach((colour, i) => wall.addColorStop(i, colour));
    c.fillStyle = wall;
    c.fillRect(0, 0, 1280, 720);
    c.fillStyle = '#ffffff40'; // a window
    c.fillRect(130, 70, 210, 290);
    c.fillRect(960, 130, 190, 150);
    c.fillStyle = person.wall[1];
    c.fillRect(230, 70, 12, 290);
    if (person.long) ellipse(640, 345 + y, 172, 225, person.hair);
    ellipse(640, 800 + y, 330, 260, person.shirt);
    c.fillStyle = person.skin;
    c.fillRect(585, 440 + y, 110, 130);
    ellipse(640, 562 + y, 55, 30, person.skin);
    ellipse(640, 330 + y, 130, 165, person.skin);
    c.fillStyle = person.hair;
    c.beginPath();
    c.ellipse(640, 270 + y, 142, 130, 0, Math.PI, 0);
    c.bezierCurveTo(740, 190 + y, 560, 190 + y, 498, 285 + y);
    c.fill();
    if (person.beard) {
      c.beginPath();
      c.ellipse(640, 385 + y, 122, 112, 0, 0.05, Math.PI - 0.05);
      c.fill();
    }
    ellipse(592, 330 + y, 11, 14, '#2b211e');
    ellipse(688, 330 + y, 11, 14, '#2b211e');
    c.strokeStyle = person.beard ? '#f4e3d7' : '#8b3f36';
    c.lineWidth = 9;
    c.lineCap = 'round';
    c.beginPath();
    c.arc(640, 385 + y, 44, 0.35, Math.PI - 0.35);
    c.stroke();
  };
  draw();
  setInterval(draw, 40);
  const original = navigator.mediaDevices.getUserMedia.bind(navigator.mediaDevices);
  navigator.mediaDevices.getUserMedia = async (wanted) => {
    const stream = wanted.audio ? await original({ audio: wanted.audio }) : new MediaStream();
    if (wanted.video) stream.addTrack(canvas.captureStream(25).getVideoTracks()[0]);
    return stream;
  };
}

const stoad = await startStoad();
const browser = await chromium.launch({ executablePath, headless: true, args });
const pages = [];
for (const person of people) {
  const context = await browser.newContext({ viewport: { width: 1040, height: 640 } });
  await context.addInitScript(drawnCamera, person);
  const page = await context.newPage();
  pages.push(page);
  await page.goto(pages.length > 1 ? pages[0].url() : stoad.url);
  await page.getByLabel('Your name').fill(person.name);
  await page.getByRole('button', { name: pages.length > 1 ? 'Join the call' : 'Start a call' }).click();
  await page.getByRole('button', { name: 'Leave' }).waitFor();
}
await pages[2].getByRole('button', { name: 'Mute microphone' }).click();
for (const person of people.slice(1)) {
  const video = pages[0].getByLabel(`Video of ${person.name}`);
  await video.waitFor();
  await pages[0].waitForFunction((v) => v.currentTime > 1, await video.elementHandle());
}
await new Promise((resolve) => setTimeout(resolve, 4000)); // the encoders settle
await pages[0].mouse.move(600, 2);
await pages[0].screenshot({ path: file });
for (const page of pages) await page.getByRole('button', { name: 'Leave' }).click();
await browser.close();
await stoad.stop();
