"""A proxy that makes every round trip longer, and counts requests and bytes. It limits no throughput."""
import asyncio, multiprocessing, re, socket

REQUEST = re.compile(rb"^(GET|HEAD|POST|PUT|PATCH|DELETE) \S+ HTTP/1\.1\r\n")


class Proxy:
    def __init__(self, port, milliseconds):
        self.requests, self.bytes = multiprocessing.Value("q", 0), multiprocessing.Value("q", 0)
        listener = socket.create_server(("127.0.0.1", 0), backlog=128)
        self.port = listener.getsockname()[1]
        self.process = multiprocessing.Process(target=self._serve, args=(listener, port, milliseconds / 2000), daemon=True)
        self.process.start()
        listener.close()

    def counted(self):
        return self.requests.value, self.bytes.value

    def close(self):
        self.process.terminate()
        self.process.join()

    def _serve(self, listener, port, delay):
        asyncio.run(self._run(listener, port, delay))

    async def _run(self, listener, port, delay):
        async def meet(reader, writer):
            # The handshake is a round trip of its own.
            await asyncio.sleep(2 * delay)
            server, back = await asyncio.open_connection("127.0.0.1", port)
            await asyncio.gather(self._pass(reader, back, delay, True), self._pass(server, writer, delay, False))

        server = await asyncio.start_server(meet, sock=listener)
        await server.serve_forever()

    async def _pass(self, reader, writer, delay, asks):
        """What came in goes out when its time has come, however much is on the way."""
        loop, queue = asyncio.get_running_loop(), asyncio.Queue()

        async def send():
            while (item := await queue.get()) is not None:
                due, part = item
                await asyncio.sleep(max(0, due - loop.time()))
                writer.write(part)
                await writer.drain()

        sender = asyncio.create_task(send())
        try:
            while part := await reader.read(1 << 16):
                with self.bytes.get_lock():
                    self.bytes.value += len(part)
                if asks and REQUEST.match(part):
                    with self.requests.get_lock():
                        self.requests.value += 1
                queue.put_nowait((loop.time() + delay, part))
        except ConnectionError:
            pass
        queue.put_nowait(None)
        try:
            await sender
            if writer.can_write_eof():
                writer.write_eof()
        except (ConnectionError, OSError):
            pass
