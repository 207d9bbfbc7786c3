package pki

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"errors"
	"fmt"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"slices"
	"time"

	certutil "k8s.io/client-go/util/cert"
	"k8s.io/utils/clock"
)

const (
	// authorityValidity is how long an authority lasts. It cannot be renewed without telling every client, so it
	// outlives the hardware.
	authorityValidity = 20 * 365 * 24 * time.Hour
	// leafValidity is how long a signed certificate lasts, unless it says so itself.
	leafValidity = 365 * 24 * time.Hour
	// renewBefore is how long before its end a certificate is signed anew.
	renewBefore = 60 * 24 * time.Hour
	// backdate allows for clocks that are a little behind ours.
	backdate = 5 * time.Minute
)

// Authority is a certificate authority whose key lies in a directory. Its methods may be called concurrently.
type Authority struct {
	dir string
	issuer
}

// openAuthority reads the authority called name from dir (name.crt and name.key), or makes what is missing. A key
// without its certificate, which is what a crash during the first start leaves, gets a new certificate: clients that
// hold the old one verify against the key. A certificate without its key, and a pair that does not match, are errors.
func openAuthority(dir, name string, clk clock.PassiveClock) (*Authority, error) {
	pair, err := readPair(dir, name)
	keyOnly := errors.Is(err, errNoCertificate)
	if err != nil && !keyOnly {
		return nil, err
	}
	if pair != nil {
		if !pair.cert.IsCA {
			return nil, fmt.Errorf("reading certificate authority %s: the certificate is not an authority's", filepath.Join(dir, name+".crt"))
		}
		return &Authority{dir, issuer{clk, pair.cert, pair.key}}, nil
	}

	var key crypto.Signer
	if keyOnly {
		key, err = readKey(filepath.Join(dir, name+".key"))
	} else {
		key, err = newKey()
	}
	if err != nil {
		return nil, err
	}
	now := clk.Now()
	template := &x509.Certificate{
		SerialNumber:          big.NewInt(1),
		Subject:               pkix.Name{CommonName: name, Organization: []string{"orrery"}},
		NotBefore:             now.Add(-backdate),
		NotAfter:              now.Add(authorityValidity),
		KeyUsage:              x509.KeyUsageCertSign | x509.KeyUsageCRLSign | x509.KeyUsageDigitalSignature,
		BasicConstraintsValid: true,
		IsCA:                  true,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		return nil, fmt.Errorf("signing certificate authority %s: %w", name, err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		return nil, fmt.Errorf("parsing certificate authority %s: %w", name, err)
	}
	if err := writePair(dir, name, &pairOnDisk{cert: cert, key: key}); err != nil {
		return nil, err
	}
	return &Authority{dir, issuer{clk, cert, key}}, nil
}

// Certificate returns the authority's own certificate in PEM.
func (a *Authority) Certificate() []byte { return encodeCertificate(a.cert) }

// Leaf says what a signed certificate is for.
type Leaf struct {
	// CommonName and Organization are a client's user name and groups.
	CommonName   string
	Organization []string
	// DNSNames and IPs are a server's names. Leave both empty for a client's certificate.
	DNSNames []string
	IPs      []net.IP
	// Validity is how long the certificate lasts; zero means a year. None outlasts its authority.
	Validity time.Duration
}

// server reports whether the leaf is presented by a server. A server's certificate may be used by a client too.
func (l Leaf) server() bool { return len(l.DNSNames) > 0 || len(l.IPs) > 0 }

func (l Leaf) validity() time.Duration {
	if l.Validity > 0 {
		return l.Validity
	}
	return leafValidity
}

// KeyPair is a certificate and its private key, in PEM.
type KeyPair struct {
	Certificate []byte
	Key         []byte
}

// Sign makes a key and signs a certificate for it. Nothing is written to disk.
func (a *Authority) Sign(leaf Leaf) (KeyPair, error) {
	pair, err := a.sign(leaf)
	if err != nil {
		return KeyPair{}, err
	}
	return pair.encode()
}

// Keep returns the paths of the certificate and the key called name in the authority's directory. They are made when
// they are missing, and made anew when the certificate ends within 60 days, was signed by another authority, or is
// not what leaf asks for: of another user or other groups, or for other names.
func (a *Authority) Keep(name string, leaf Leaf) (certFile, keyFile string, err error) {
	certFile, keyFile = filepath.Join(a.dir, name+".crt"), filepath.Join(a.dir, name+".key")
	pair, err := readPair(a.dir, name)
	if err == nil && pair != nil && a.serves(pair.cert, leaf) {
		return certFile, keyFile, nil
	}
	// A leaf that cannot be read is replaced: it holds nothing that the authority cannot make again.
	if pair, err = a.sign(leaf); err != nil {
		return "", "", err
	}
	if err := writePair(a.dir, name, pair); err != nil {
		return "", "", err
	}
	return certFile, keyFile, nil
}

// serves reports whether cert is still good for leaf.
func (a *Authority) serves(cert *x509.Certificate, leaf Leaf) bool {
	if a.clock.Now().After(cert.NotAfter.Add(-renewBefore)) || cert.CheckSignatureFrom(a.cert) != nil {
		return false
	}
	return cert.Subject.CommonName == leaf.CommonName &&
		slices.Equal(inOrder(cert.Subject.Organization), inOrder(leaf.Organization)) &&
		slices.Equal(inOrder(cert.DNSNames), inOrder(leaf.DNSNames)) &&
		slices.Equal(inOrder(spelled(cert.IPAddresses)), inOrder(spelled(leaf.IPs)))
}

// inOrder is a set of names: sorted, each once.
func inOrder(names []string) []string {
	return slices.Compact(slices.Sorted(slices.Values(names)))
}

func spelled(ips []net.IP) []string {
	names := make([]string, len(ips))
	for i, ip := range ips {
		names[i] = ip.String()
	}
	return names
}

func (a *Authority) sign(leaf Leaf) (*pairOnDisk, error) {
	key, err := newKey()
	if err != nil {
		return nil, err
	}
	usage := []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}
	if leaf.server() {
		usage = append(usage, x509.ExtKeyUsageServerAuth)
	}
	now := a.clock.Now()
	template := &x509.Certificate{
		Subject:               pkix.Name{CommonName: leaf.CommonName, Organization: leaf.Organization},
		DNSNames:              leaf.DNSNames,
		IPAddresses:           leaf.IPs,
		NotBefore:             now.Add(-backdate),
		NotAfter:              now.Add(leaf.validity()),
		KeyUsage:              x509.KeyUsageDigitalSignature,
		ExtKeyUsage:           usage,
		BasicConstraintsValid: true,
	}
	der, err := a.Issue(template, key.Public())
	if err != nil {
		return nil, err
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		return nil, fmt.Errorf("parsing the certificate of %s: %w", leaf.CommonName, err)
	}
	return &pairOnDisk{cert: cert, key: key}, nil
}

// newKey makes a P-256 key: as strong as needed, and quick enough not to be seen in a start.
func newKey() (*ecdsa.PrivateKey, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, fmt.Errorf("generating a private key: %w", err)
	}
	return key, nil
}

func encodeCertificate(cert *x509.Certificate) []byte {
	encoded, err := certutil.EncodeCertificates(cert)
	if err != nil {
		panic(err) // unreachable: writing PEM to memory
	}
	return encoded
}

// exists reports whether path names a file.
func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}
