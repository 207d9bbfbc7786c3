package clusterinfo

import (
	"crypto/sha256"
	"crypto/x509"
	"encoding/hex"
	"fmt"
	"regexp"
	"slices"

	certutil "k8s.io/client-go/util/cert"
)

// pinForm is how a pin is written: kubeadm's, of RFC 7469.
var pinForm = regexp.MustCompile(`^sha256:[0-9a-f]{64}$`)

// CheckPin says what is wrong with a pin that a person gave.
func CheckPin(pin string) error {
	if !pinForm.MatchString(pin) {
		return fmt.Errorf("%q: want sha256: and 64 hexadecimal digits, as 'orrery token create --print-join-command' prints it", pin)
	}
	return nil
}

// Pins are the SHA-256 hashes of the public keys in certificates, one each, by which a person tells an authority from another.
func Pins(ca []byte) ([]string, error) {
	certificates, err := certutil.ParseCertsPEM(ca)
	if err != nil {
		return nil, fmt.Errorf("reading the certificates of the authority: %w", err)
	}
	var pins []string
	for _, c := range certificates {
		pins = append(pins, pinOf(c))
	}
	return pins, nil
}

// Pinned reports that each certificate of an authority has one of some pins, so that none is trusted which nobody named.
func Pinned(ca []byte, pins []string) (bool, error) {
	has, err := Pins(ca)
	if err != nil {
		return false, err
	}
	return !slices.ContainsFunc(has, func(pin string) bool { return !slices.Contains(pins, pin) }), nil
}

func pinOf(c *x509.Certificate) string {
	sum := sha256.Sum256(c.RawSubjectPublicKeyInfo)
	return "sha256:" + hex.EncodeToString(sum[:])
}
