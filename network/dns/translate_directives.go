package dns

import (
	"fmt"
	"os"
	"slices"
	"strings"

	"github.com/coredns/caddy/caddyfile"
)

// directive is a directive as it is run here; nothing, if it is not.
func (p place) directive(words []caddyfile.Token) ([]caddyfile.Token, error) {
	words = slices.Clone(words)
	switch name := words[0].Text; name {
	case "kubernetes", "prometheus":
		words[0].Text = ownPrefix + name
	case "forward":
		return p.forward(words)
	case "hosts":
		return withoutFile(words), nil
	case "loadbalance":
		if at := slices.IndexFunc(words, func(w caddyfile.Token) bool { return w.Text == "weighted" }); at > 0 {
			return nil, readsFile(words[at])
		}
	}
	return words, nil
}

// forward has the resolvers in the place of the file that names them. With no resolver nothing is forwarded.
func (p place) forward(words []caddyfile.Token) ([]caddyfile.Token, error) {
	var translated []caddyfile.Token
	resolvers := 0
	for i, word := range words {
		switch to := i > 1 && word.Line == words[0].Line && word.Text != "{"; {
		case to && word.Text == hostResolvConf:
			for _, upstream := range p.upstreams {
				translated = append(translated, caddyfile.Token{File: word.File, Line: word.Line, Text: upstream})
				resolvers++
			}
			continue
		case to && strings.HasPrefix(word.Text, "/"), !to && i > 1 && word.Text == "tls" && words[i-1].Line != word.Line:
			return nil, readsFile(word)
		case to:
			resolvers++
		}
		translated = append(translated, word)
	}
	if resolvers == 0 && len(words) > 2 {
		return nil, nil
	}
	return translated, nil
}

// withoutFile is the directive hosts with what its block says alone: the file of the machine is the machine's.
func withoutFile(words []caddyfile.Token) []caddyfile.Token {
	file := caddyfile.Token{File: words[0].File, Line: words[0].Line, Text: os.DevNull}
	rest := words[1:]
	if len(rest) > 0 && rest[0].Line == file.Line && rest[0].Text != "{" {
		rest = rest[1:]
	}
	return append([]caddyfile.Token{words[0], file}, rest...)
}

// readsFile refuses what would read a file of the machine.
func readsFile(word caddyfile.Token) error {
	return fmt.Errorf("Corefile:%d - %s: no file of the machine is read", word.Line, word.Text) //nolint:staticcheck // as CoreDNS says where
}
