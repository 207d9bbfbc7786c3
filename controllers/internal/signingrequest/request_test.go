package signingrequest

import (
	"strings"
	"testing"
)

func TestWhatIsNoRequestIsRefused(t *testing.T) {
	for name, encoded := range map[string]string{
		"nothing":           "",
		"no PEM":            "hello",
		"another PEM block": "-----BEGIN CERTIFICATE-----\nMAA=\n-----END CERTIFICATE-----\n",
		"an empty request":  "-----BEGIN CERTIFICATE REQUEST-----\nMAA=\n-----END CERTIFICATE REQUEST-----\n",
	} {
		t.Run(name, func(t *testing.T) {
			if request, err := Parse([]byte(encoded)); err == nil {
				t.Errorf("it is read as %v", request)
			} else if strings.Contains(encoded, "REQUEST") == strings.Contains(err.Error(), "PEM block type") {
				t.Errorf("the error is %v", err)
			}
		})
	}
}
