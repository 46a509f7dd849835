// SPDX-License-Identifier: Apache-2.0
// Starts the console: styles, then the one component everything hangs from.
import { mount } from 'svelte';
import './fonts.css';
import './app.css';
import App from './App.svelte';

mount(App, { target: document.getElementById('app')! });
