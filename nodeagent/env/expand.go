package env

import "strings"

// Expand replaces $(NAME) by what lookup has. A reference that lookup does not have stays as it is, and $$ is a plain $.
func Expand(value string, lookup func(string) (string, bool)) string {
	if !strings.Contains(value, "$") {
		return value
	}
	var out strings.Builder
	for i := 0; i < len(value); {
		if value[i] != '$' || i+1 == len(value) {
			out.WriteByte(value[i])
			i++
			continue
		}
		switch end := strings.IndexByte(value[i:], ')'); {
		case value[i+1] == '$':
			out.WriteByte('$')
			i += 2
		case value[i+1] == '(' && end > 0:
			reference := value[i : i+end+1]
			if found, ok := lookup(reference[2:end]); ok {
				reference = found
			}
			out.WriteString(reference)
			i += end + 1
		default:
			out.WriteByte('$')
			i++
		}
	}
	return out.String()
}
