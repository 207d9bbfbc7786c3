package loop

import "k8s.io/apimachinery/pkg/util/rand"

const (
	longestPrefix = 58 // of a generated name, as k8s.io/apiserver/pkg/storage/names has it
	suffixLength  = 5
)

// randomName appends five random letters and digits, as the API server does.
func randomName(prefix string) string {
	return prefix[:min(len(prefix), longestPrefix)] + rand.String(suffixLength)
}
