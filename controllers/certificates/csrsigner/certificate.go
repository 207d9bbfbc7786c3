package csrsigner

import (
	"crypto/x509"
	"fmt"
	"slices"
	"time"

	certificatesv1 "k8s.io/api/certificates/v1"
)

const (
	// backdate allows for clocks that are a little behind ours.
	backdate = 5 * time.Minute
	// short is how long a certificate is good for that the backdating would take a noticeable part of.
	short = 8 * time.Hour
)

// certificate is what is signed: who is asked for, for some usages and some time from now on.
func certificate(asked *x509.CertificateRequest, usages []certificatesv1.KeyUsage, validity time.Duration, now time.Time) (*x509.Certificate, error) {
	template := &x509.Certificate{
		Subject:               asked.Subject,
		DNSNames:              asked.DNSNames,
		IPAddresses:           asked.IPAddresses,
		EmailAddresses:        asked.EmailAddresses,
		URIs:                  asked.URIs,
		NotBefore:             now.Add(-backdate),
		NotAfter:              now.Add(validity - backdate),
		BasicConstraintsValid: true,
	}
	if validity < short {
		template.NotAfter = now.Add(validity)
	}
	var unknown []certificatesv1.KeyUsage
	for _, usage := range usages {
		if bit, ok := keyUsages[usage]; ok {
			template.KeyUsage |= bit
		} else if extended, ok := extendedKeyUsages[usage]; ok {
			template.ExtKeyUsage = append(template.ExtKeyUsage, extended)
		} else {
			unknown = append(unknown, usage)
		}
	}
	if len(unknown) > 0 {
		return nil, fmt.Errorf("unrecognized usage values: %q", unknown)
	}
	slices.Sort(template.ExtKeyUsage)
	template.ExtKeyUsage = slices.Compact(template.ExtKeyUsage)
	return template, nil
}

var keyUsages = map[certificatesv1.KeyUsage]x509.KeyUsage{
	certificatesv1.UsageSigning:           x509.KeyUsageDigitalSignature,
	certificatesv1.UsageDigitalSignature:  x509.KeyUsageDigitalSignature,
	certificatesv1.UsageContentCommitment: x509.KeyUsageContentCommitment,
	certificatesv1.UsageKeyEncipherment:   x509.KeyUsageKeyEncipherment,
	certificatesv1.UsageKeyAgreement:      x509.KeyUsageKeyAgreement,
	certificatesv1.UsageDataEncipherment:  x509.KeyUsageDataEncipherment,
	certificatesv1.UsageCertSign:          x509.KeyUsageCertSign,
	certificatesv1.UsageCRLSign:           x509.KeyUsageCRLSign,
	certificatesv1.UsageEncipherOnly:      x509.KeyUsageEncipherOnly,
	certificatesv1.UsageDecipherOnly:      x509.KeyUsageDecipherOnly,
}

var extendedKeyUsages = map[certificatesv1.KeyUsage]x509.ExtKeyUsage{
	certificatesv1.UsageAny:             x509.ExtKeyUsageAny,
	certificatesv1.UsageServerAuth:      x509.ExtKeyUsageServerAuth,
	certificatesv1.UsageClientAuth:      x509.ExtKeyUsageClientAuth,
	certificatesv1.UsageCodeSigning:     x509.ExtKeyUsageCodeSigning,
	certificatesv1.UsageEmailProtection: x509.ExtKeyUsageEmailProtection,
	certificatesv1.UsageSMIME:           x509.ExtKeyUsageEmailProtection,
	certificatesv1.UsageIPsecEndSystem:  x509.ExtKeyUsageIPSECEndSystem,
	certificatesv1.UsageIPsecTunnel:     x509.ExtKeyUsageIPSECTunnel,
	certificatesv1.UsageIPsecUser:       x509.ExtKeyUsageIPSECUser,
	certificatesv1.UsageTimestamping:    x509.ExtKeyUsageTimeStamping,
	certificatesv1.UsageOCSPSigning:     x509.ExtKeyUsageOCSPSigning,
	certificatesv1.UsageMicrosoftSGC:    x509.ExtKeyUsageMicrosoftServerGatedCrypto,
	certificatesv1.UsageNetscapeSGC:     x509.ExtKeyUsageNetscapeServerGatedCrypto,
}
