"""A small archive on pynetdicom that moves instances under the profile: real associations, real TLS.

What an association is worth (its `Link`) comes from its TLS session and a list of the site, never
from a data set. Everything that becomes of a copy is decided by `sopstatus.profile`.
"""

import copy
import io
import ssl
import threading

import pydicom
from pydicom.dataset import Dataset
from pydicom.uid import generate_uid
from pynetdicom import AE, build_role, evt
from pynetdicom.sop_class import CTImageStorage, MRImageStorage, StorageCommitmentPushModel
from sopstatus import codec
from sopstatus.profile import NOTHING, Circumstances, Copy, Link
from sopstatus.profile import events as profile

INSTANCE = "1.2.840.10008.1.20.1.1"  # the well-known instance of Storage Commitment (PS3.4 J.3.5)
SUCCESS, FAILURE, REFUSED = 0x0000, 0x0110, 0x0124
DICOM = codec("dicom")


class Node:
    """One Application Entity: its copies, its associations and its audit records."""

    def __init__(self, title, conforming=(), server=None, client=None):
        self.title, self.conforming = title, conforming
        self.server_tls, self.client_tls = server, client
        self.copies, self.files, self.records = {}, {}, []
        self.open, self.given = {}, set()  # as sender: UID -> transaction; ended with success
        self.said_yes, self.ended = {}, set()  # as receiver: transaction -> UID; answered
        self.commits = True
        self.cut = ""  # at which point an association is killed
        self.peers = {}
        self.choice = "AC"
        self.reported = threading.Event()
        self.lock = threading.RLock()
        self.ae = AE(title)
        self.ae.acse_timeout = self.ae.dimse_timeout = self.ae.network_timeout = 5
        self.ae.add_supported_context(CTImageStorage)
        self.ae.add_supported_context(MRImageStorage)
        self.ae.add_supported_context(StorageCommitmentPushModel, scu_role=True, scp_role=True)
        handlers = [
            (evt.EVT_C_STORE, self.on_store),
            (evt.EVT_N_ACTION, self.on_action),
            (evt.EVT_N_EVENT_REPORT, self.on_report),
        ]
        self.listener = self.ae.start_server(
            ("127.0.0.1", 0), block=False, evt_handlers=handlers, ssl_context=server
        )
        self.port = self.listener.socket.getsockname()[1]

    def close(self):
        """Stop listening."""
        self.ae.shutdown()

    # --- what an association is worth -----------------------------------------------------------

    def circumstances(self, assoc, peer):
        """Return link and peer of an association, from its TLS session alone."""
        channel = assoc.dul.socket.socket
        secure = isinstance(channel, ssl.SSLSocket)
        certificate = channel.getpeercert() if secure else None
        named = {name for _, name in (certificate or {}).get("subjectAltName", ())}
        link = Link(
            secure=secure,
            authenticated=bool(certificate),
            conforms=bool(named & set(self.conforming)),
        )
        return Circumstances(link, self.title, peer, "demote-to-copy", "2024-01-01T00:00:00Z")

    def associate(self, other, context, **options):
        """Open an association to another node."""
        self.ae.requested_contexts = []
        self.ae.add_requested_context(context)
        tls = (self.client_tls, "localhost") if self.client_tls else None
        return self.ae.associate(
            "127.0.0.1", other.port, ae_title=other.title, tls_args=tls, **options
        )

    # --- copies ------------------------------------------------------------------------------------

    def state(self, uid):
        """Return the state of the copy of an instance."""
        return self.copies.get(uid, NOTHING).state

    def take(self, uid, done):
        """Do what the profile has decided, in the copy and in its data set."""
        self.records.append(done.record)
        if done.copy.instance is None:
            self.copies.pop(uid, None)
            self.files.pop(uid, None)
        elif uid in self.files:
            self.copies[uid] = done.copy
            self.files[uid] = DICOM.encode([done.copy.instance], into=self.files[uid]).value
        return done.done

    def hold(self, data):
        """Begin with an instance in one's archive."""
        (statement,) = DICOM.decode(data).value
        self.files[statement.sop_instance_uid] = data
        self.copies[statement.sop_instance_uid] = Copy.of(statement)
        return statement.sop_instance_uid

    # --- as sender ---------------------------------------------------------------------------------

    def send(self, uid, other, event=profile.send):
        """Send a copy, or with ``profile.transfer`` the original; return the C-STORE status."""
        assoc = self.associate(other, self.copies[uid].instance.sop_class_uid)
        if not assoc.is_established:
            return None
        done = event(self.copies[uid], at=self.circumstances(assoc, other.title))
        outgoing = done.sent and DICOM.encode([done.sent], into=self.files[uid]).value
        self.take(uid, done)
        if outgoing is None:
            assoc.release()
            return done.issues[0].code
        status = assoc.send_c_store(pydicom.dcmread(io.BytesIO(outgoing)))
        if assoc.is_established:
            assoc.release()
        return status.get("Status")

    def transfer(self, uid, other):
        """Hand an original on, with storage commitment (PS3.15 A.1.1 d)."""
        status = self.send(uid, other, profile.transfer)
        if status != SUCCESS:
            if self.state(uid).endswith(">"):
                self.take(uid, profile.store_failed(self.copies[uid]))
            return status
        transaction = self.open[uid] = generate_uid()
        asked = Dataset()
        asked.TransactionUID = transaction
        item = Dataset()
        item.ReferencedSOPClassUID = self.copies[uid].instance.sop_class_uid
        item.ReferencedSOPInstanceUID = uid
        asked.ReferencedSOPSequence = [item]
        self.reported.clear()
        assoc = self.associate(other, StorageCommitmentPushModel)
        assoc.send_n_action(asked, 1, StorageCommitmentPushModel, INSTANCE)
        if assoc.is_established:
            assoc.release()
        return status

    def give_up_waiting(self, uid):
        """Stay the holder: no report has come in time."""
        self.open.pop(uid)
        self.take(uid, profile.timed_out(self.copies[uid]))

    def on_report(self, event):
        """Hear how storage commitment went, and say whether we have given the original up."""
        told = event.event_information
        transaction = told.TransactionUID
        with self.lock:
            if event.event_type == 1:
                uid = told.ReferencedSOPSequence[0].ReferencedSOPInstanceUID
            else:
                uid = told.FailedSOPSequence[0].ReferencedSOPInstanceUID
            mine = self.open.get(uid) == transaction
            which = "open" if mine else "closed" if transaction in self.given else "other"
            held = self.copies.get(uid, NOTHING)
            if event.event_type == 1:
                done = profile.committed(held, self.choice, transaction=which)
                self.given |= {transaction} if done.done else set()
            else:
                done = profile.not_committed(held, transaction=which)
            if mine and done.done:
                self.open.pop(uid)
            self.take(uid, done)
        self.reported.set()
        return (SUCCESS if done.done else FAILURE), None

    # --- as receiver -------------------------------------------------------------------------------

    def on_store(self, event):
        """Take an instance in, as far as the profile lets it in."""
        if self.cut == "before storing":
            event.assoc.abort()
            return REFUSED
        buffer = io.BytesIO()
        dataset = copy.copy(event.dataset)
        dataset.file_meta = event.file_meta
        dataset.save_as(buffer, enforce_file_format=True)
        data = buffer.getvalue()
        uid = dataset.SOPInstanceUID
        stated = DICOM.decode(data).value or DICOM.instances(data)
        at = self.circumstances(event.assoc, event.assoc.requestor.ae_title)
        with self.lock:
            held = self.copies.get(uid, NOTHING)
            done = profile.receive(stated[0], held=held, at=at)
            if done.done:
                self.files[uid] = data
            self.take(uid, done)
        if self.cut == "before answering":
            event.assoc.abort()
        return SUCCESS if done.done else REFUSED

    def on_action(self, event):
        """Take a request for commitment, and report on an association of our own."""
        asked = event.action_information
        peer = self.peers[event.assoc.requestor.ae_title]
        uid = asked.ReferencedSOPSequence[0].ReferencedSOPInstanceUID
        threading.Thread(target=self.report, args=(peer, asked.TransactionUID, uid)).start()
        return SUCCESS, None

    def report(self, peer, transaction, uid):
        """Report commitment; become the holder only when the sender has answered."""
        good = self.commits and self.state(uid).endswith("?")
        told = Dataset()
        told.TransactionUID = transaction
        item = Dataset()
        item.ReferencedSOPClassUID = pydicom.dcmread(io.BytesIO(self.files[uid])).SOPClassUID
        item.ReferencedSOPInstanceUID = uid
        if good:
            told.ReferencedSOPSequence = [item]
            self.said_yes[transaction] = uid
        else:
            item.FailureReason = FAILURE
            told.FailedSOPSequence = [item]
            told.ReferencedSOPSequence = []
            with self.lock:
                self.take(uid, profile.not_confirmed(self.copies.get(uid, NOTHING), "delete"))
        if self.cut == "before reporting":
            return
        role = build_role(StorageCommitmentPushModel, scp_role=True)
        assoc = self.associate(peer, StorageCommitmentPushModel, ext_neg=[role])
        status, _ = assoc.send_n_event_report(
            told, 1 if good else 2, StorageCommitmentPushModel, INSTANCE
        )
        if assoc.is_established:
            assoc.release()
        if not good or "Status" not in status:
            return  # unanswered: it is reported again
        with self.lock:
            which = "open" if self.said_yes.pop(transaction, None) else "closed"
            self.ended.add(transaction)
            held = self.copies.get(uid, NOTHING)
            if status.Status == SUCCESS:
                self.take(uid, profile.confirmed(held, transaction=which))
            else:
                self.take(uid, profile.not_confirmed(held, "delete", transaction=which))
