/** A client made of Node's own net module, as foreign to the server as nc. */
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { createInterface } from 'node:readline';

export class LineClient {
  readonly #socket: Socket;
  readonly #lines: AsyncIterator<string>;

  private constructor(socket: Socket) {
    this.#socket = socket;
    this.#lines = createInterface({ input: socket })[Symbol.asyncIterator]();
  }

  static async connect(port: number): Promise<LineClient> {
    const socket = connect(port, '127.0.0.1');
    const client = new LineClient(socket);
    await once(socket, 'connect');
    return client;
  }

  send(text: string): void {
    this.#socket.write(text);
  }

  /** The next line, or null at the end. */
  async receive(): Promise<string | null> {
    const { done, value } = await this.#lines.next();
    return done ? null : value;
  }

  async ask(line: string): Promise<string | null> {
    this.send(`${line}\n`);
    return this.receive();
  }

  close(): void {
    this.#socket.destroy();
  }
}
