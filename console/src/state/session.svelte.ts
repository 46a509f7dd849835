// SPDX-License-Identifier: Apache-2.0
// Who is at the console, in which mode; signing in and out.
import { api, Problem } from '../api';
import type { Session, Site } from './facts';

type Where = 'asking' | 'out' | 'in';

class SessionState {
  where = $state<Where>('asking');
  now = $state.raw<Session | null>(null);
  site = $state.raw<Site | null>(null);
  linkFailed = $state(false);

  get exercise(): boolean {
    return (this.now ?? this.site)?.mode === 'exercise';
  }

  get zone(): string {
    return this.now?.city.time_zone ?? 'UTC';
  }

  /** Signs in by a one-time link if the address has one, else asks who is signed in. */
  async begin(): Promise<void> {
    const token = /^#\/link\/(.+)$/.exec(location.hash)?.[1];
    if (token) {
      history.replaceState(null, '', location.pathname); // a used secret does not stay in the address bar
      try {
        await api.signInByLink(decodeURIComponent(token));
      } catch {
        this.linkFailed = true;
      }
    }
    await this.ask();
  }

  async ask(): Promise<void> {
    try {
      this.now = await api.session();
      this.linkFailed = false;
      this.where = 'in';
    } catch (error) {
      if (error instanceof Problem && error.status === 401) this.signedOut();
      else setTimeout(() => void this.ask(), 2_000); // the server is starting or away
    }
  }

  async signIn(login: string, password: string): Promise<void> {
    await api.signIn(login, password);
    await this.ask();
  }

  async signOut(): Promise<void> {
    await api.signOut();
    this.signedOut();
  }

  async continueAs(login: string): Promise<void> {
    await api.continueAs(login);
    this.now = await api.session();
  }

  signedOut = (): void => {
    this.now = null;
    this.where = 'out';
    void api.site().then(
      (site) => (this.site = site),
      () => undefined, // the page signs in without it
    );
  };
}

export const session = new SessionState();
