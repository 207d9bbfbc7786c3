package programs

import (
	"os"
	"testing"
)

func TestAProgramIsThereIfItWasBuiltFromTheSame(t *testing.T) {
	b := Builder{Dir: t.TempDir()}
	p := program{name: "tool", source: "example.org/tool"}
	write := func(file, content string) {
		t.Helper()
		if err := os.WriteFile(file, []byte(content), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if b.built(p, "one") {
		t.Error("it is there before it was built")
	}
	write(b.keyFile(p), "one")
	if b.built(p, "one") {
		t.Error("it is there without a file")
	}
	write(b.Path("tool"), "")
	if !b.built(p, "one") {
		t.Error("it is not there after it was built")
	}
	if b.built(p, "another") {
		t.Error("it is there for other versions")
	}
}
