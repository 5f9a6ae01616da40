"""Certificates for tests of the judge: made by python3-cryptography, since a thousand of them are wanted, with dates, keys and extensions at will."""
import datetime
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

DAY = 86400


def new_key():
    return ec.generate_private_key(ec.SECP256R1())


def der(member):
    return member if isinstance(member, bytes) else member.public_bytes(serialization.Encoding.DER)


def pem(member):
    return (x509.load_der_x509_certificate(member) if isinstance(member, bytes) else member).public_bytes(serialization.Encoding.PEM)


def ends(member):
    return int(member.not_valid_after.replace(tzinfo=datetime.timezone.utc).timestamp())


def name_of(text):
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])


class Pki:
    """One trusted root with two intermediates under each other (inter, low), a private one (house), and a stranger."""

    def __init__(self):
        self.keys = {}  # of CAs, by name and certificate
        self.spare = new_key()
        self.made = {}
        self.root = self.root_of("Judge's root", days=(-10, 1000))
        self.house = self.root_of("House root", days=(-10, 900))
        self.stranger = self.root_of("Stranger root")
        self.inter = self.issue("Upper CA", self.root, ca=True, days=(-5, 500))
        self.low = self.issue("Lower CA", self.inter, ca=True, days=(-5, 400))

    def key_of(self, member):
        return self.keys[der(member)]

    def ski(self, member):
        return member.extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value

    def build(self, name, key, issuer_name, issuer_key, aki, ca, begin, end, pathlen=None, permitted=None, critical=False, ski=None):
        moment = lambda s: datetime.datetime.fromtimestamp(s, datetime.timezone.utc)
        b = (x509.CertificateBuilder().subject_name(name_of(name)).issuer_name(issuer_name).public_key(key.public_key()).serial_number(x509.random_serial_number())
             .not_valid_before(moment(begin)).not_valid_after(moment(end))
             .add_extension(x509.BasicConstraints(ca, pathlen if ca else None), critical=True)
             .add_extension(ski or x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False))
        if aki:
            b = b.add_extension(aki, critical=False)
        if ca:
            b = b.add_extension(x509.KeyUsage(False, False, False, False, False, True, True, False, False), critical=True)
        else:
            b = b.add_extension(x509.SubjectAlternativeName([x509.DNSName(name.replace(" ", "-"))]), critical=False)
        if permitted:
            b = b.add_extension(x509.NameConstraints([x509.DNSName(permitted)], None), critical=True)
        if critical:
            b = b.add_extension(x509.UnrecognizedExtension(x509.ObjectIdentifier("1.3.6.1.4.1.55555.1"), b"\x05\x00"), critical=True)
        made = b.sign(issuer_key, hashes.SHA256())
        self.keys[der(made)] = key
        return made

    @staticmethod
    def span(days, seconds):
        now = int(datetime.datetime.now(datetime.timezone.utc).timestamp())
        return seconds or (now + days[0] * DAY, now + days[1] * DAY)

    def root_of(self, name, ca=True, days=(-10, 800)):
        key = new_key()
        return self.build(name, key, name_of(name), key, None, ca, *self.span(days, None))

    def issue(self, name, issuer, ca=False, days=(-1, 90), seconds=None, key=None, by=None, **more):
        """issuer None: by=(name, key), without key identifier."""
        key = key or (new_key() if ca else self.spare)
        if issuer is None:
            return self.build(name, key, name_of(by[0]), by[1], None, ca, *self.span(days, seconds), **more)
        aki = x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(self.ski(issuer))
        return self.build(name, key, issuer.subject, self.key_of(issuer), aki, ca, *self.span(days, seconds), **more)

    def issue_as(self, name, issuer):
        """The same one each time."""
        return self.made.setdefault(name, None) or self.made.update({name: self.issue(name, issuer)}) or self.made[name]

    def forge(self, name, issuer):
        """Says that this CA issued it; the signature is another key's."""
        aki = x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(self.ski(issuer))
        return self.build(name, self.spare, issuer.subject, new_key(), aki, False, *self.span((-1, 90), None))

    def twin(self, ca):
        """A CA of the same name and key identifier with a key of its own, and under the same root."""
        key = new_key()
        return self.build(ca.subject.rfc4514_string()[3:], key, self.root.subject, self.key_of(self.root), None, True, *self.span((-1, 90), None), ski=self.ski(ca))
