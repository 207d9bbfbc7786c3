package pki

import (
	"crypto/x509"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	certutil "k8s.io/client-go/util/cert"
)

// Held is a certificate that lies in a store's directory.
type Held struct {
	// File is its path.
	File string
	*x509.Certificate
}

// Renewal is from when on a store that is in use signs it anew. It is zero for an authority, which nobody renews.
func (h Held) Renewal() time.Time {
	if h.IsCA {
		return time.Time{}
	}
	return h.NotAfter.Add(-renewBefore)
}

// List reads all certificates in a store's directory, by the names of their files. It needs no key, and changes nothing.
func List(dir string) ([]Held, error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, fmt.Errorf("listing certificates: %w", err)
	}
	var list []Held
	for _, entry := range entries {
		if !strings.HasSuffix(entry.Name(), ".crt") {
			continue
		}
		file := filepath.Join(dir, entry.Name())
		certificates, err := certutil.CertsFromFile(file)
		if err != nil {
			return nil, fmt.Errorf("reading certificate %s: %w", file, err)
		}
		list = append(list, Held{File: file, Certificate: certificates[0]})
	}
	return list, nil
}
