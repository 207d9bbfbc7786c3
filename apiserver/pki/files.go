package pki

import (
	"crypto"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	certutil "k8s.io/client-go/util/cert"
	"k8s.io/client-go/util/keyutil"

	"github.com/orrery-dev/orrery/internal/durable"
)

// pairOnDisk is a certificate and its key, as name.crt and name.key.
type pairOnDisk struct {
	cert *x509.Certificate
	key  crypto.Signer
}

func (p *pairOnDisk) encode() (KeyPair, error) {
	key, err := keyutil.MarshalPrivateKeyToPEM(p.key)
	if err != nil {
		return KeyPair{}, fmt.Errorf("encoding the private key of %s: %w", p.cert.Subject.CommonName, err)
	}
	return KeyPair{Certificate: encodeCertificate(p.cert), Key: key}, nil
}

// errNoCertificate means that there is a key, but no certificate for it.
var errNoCertificate = errors.New("there is a private key but no certificate")

// readPair returns nil and no error when neither file exists.
func readPair(dir, name string) (*pairOnDisk, error) {
	certFile, keyFile := filepath.Join(dir, name+".crt"), filepath.Join(dir, name+".key")
	_, err := os.Stat(certFile)
	switch absent := errors.Is(err, fs.ErrNotExist); {
	case absent && !exists(keyFile):
		return nil, nil
	case absent:
		return nil, fmt.Errorf("reading certificate %s: %w", certFile, errNoCertificate)
	default:
		return readPairFrom(certFile, keyFile)
	}
}

// readPairFrom reads a certificate and its key from two files.
func readPairFrom(certFile, keyFile string) (*pairOnDisk, error) {
	certPEM, err := os.ReadFile(certFile)
	if err != nil {
		return nil, fmt.Errorf("reading certificate: %w", err)
	}
	certs, err := certutil.ParseCertsPEM(certPEM)
	if err != nil {
		return nil, fmt.Errorf("reading certificate %s: %w", certFile, err)
	}
	key, err := readKey(keyFile)
	if err != nil {
		return nil, err
	}
	public, ok := key.Public().(interface{ Equal(crypto.PublicKey) bool })
	if !ok || !public.Equal(certs[0].PublicKey) {
		return nil, fmt.Errorf("reading private key %s: it does not belong to %s", keyFile, certFile)
	}
	return &pairOnDisk{cert: certs[0], key: key}, nil
}

func readKey(path string) (crypto.Signer, error) {
	encoded, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("reading private key: %w", err)
	}
	parsed, err := keyutil.ParsePrivateKeyPEM(encoded)
	if err != nil {
		return nil, fmt.Errorf("reading private key %s: %w", path, err)
	}
	key, ok := parsed.(crypto.Signer)
	if !ok {
		return nil, fmt.Errorf("reading private key %s: %T cannot sign", path, parsed)
	}
	return key, nil
}

// writePair writes the key first, so that a certificate on disk always has its key.
func writePair(dir, name string, pair *pairOnDisk) error {
	encoded, err := pair.encode()
	if err != nil {
		return err
	}
	if err := durable.WriteFile(filepath.Join(dir, name+".key"), encoded.Key, 0o600); err != nil {
		return err
	}
	return durable.WriteFile(filepath.Join(dir, name+".crt"), encoded.Certificate, 0o644)
}

// keepSigningKey returns the paths of a key pair that signs service-account tokens, made when missing. A key that
// cannot be read is an error: replacing it would end every token that was ever given out.
func keepSigningKey(dir, name string) (keyFile, publicFile string, err error) {
	keyFile, publicFile = filepath.Join(dir, name+".key"), filepath.Join(dir, name+".pub")
	var key crypto.Signer
	if exists(keyFile) {
		if key, err = readKey(keyFile); err != nil {
			return "", "", err
		}
	} else {
		made, err := newKey()
		if err != nil {
			return "", "", err
		}
		encoded, err := keyutil.MarshalPrivateKeyToPEM(made)
		if err != nil {
			return "", "", fmt.Errorf("encoding private key %s: %w", keyFile, err)
		}
		if err := durable.WriteFile(keyFile, encoded, 0o600); err != nil {
			return "", "", err
		}
		key = made
	}
	if exists(publicFile) {
		return keyFile, publicFile, nil
	}
	public, err := encodePublicKey(key)
	if err != nil {
		return "", "", fmt.Errorf("encoding public key %s: %w", publicFile, err)
	}
	return keyFile, publicFile, durable.WriteFile(publicFile, public, 0o644)
}

func encodePublicKey(key crypto.Signer) ([]byte, error) {
	der, err := x509.MarshalPKIXPublicKey(key.Public())
	if err != nil {
		return nil, err
	}
	return pem.EncodeToMemory(&pem.Block{Type: keyutil.PublicKeyBlockType, Bytes: der}), nil
}
