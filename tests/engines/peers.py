"""The MLLP servers of python-hl7 and hl7apy, as their documentation shows them."""

import asyncio
import sys


def python_hl7():
    import hl7.mllp

    async def process(reader, writer):
        while not writer.is_closing():
            message = await reader.readmessage()
            writer.writemessage(message.create_ack())
            await writer.drain()

    async def main():
        server = await hl7.mllp.start_hl7_server(process, "127.0.0.1", 0)
        print("listening", server.sockets[0].getsockname()[1], flush=True)
        await server.serve_forever()

    asyncio.run(main())


def hl7apy():
    from hl7apy.core import Message
    from hl7apy.mllp import AbstractHandler, MLLPServer
    from hl7apy.parser import parse_message

    class Handler(AbstractHandler):
        def reply(self):
            message = parse_message(self.incoming_message, find_groups=False)
            answer = Message("ACK", version=message.version)
            answer.msh.msh_9 = "ACK^R01^ACK"
            answer.msa.msa_1 = "AA"
            answer.msa.msa_2 = message.msh.msh_10.value
            return answer.to_mllp()

    kinds = ("ORU^R01", "ORU^R01^ORU_R01")
    server = MLLPServer("127.0.0.1", 0, dict.fromkeys(kinds, (Handler,)))
    print("listening", server.server_address[1], flush=True)
    server.serve_forever()


if __name__ == "__main__":
    {"python-hl7": python_hl7, "hl7apy": hl7apy}[sys.argv[1]]()
