package cli

import (
	"os"
	"syscall"
)

// lifelineFD is the file descriptor by which the process of a further node hears that the one which started it has ended; lifelineEnv
// says that it is open.
const (
	lifelineFD  = 4
	lifelineEnv = "ORRERY_LIFELINE_FD"
)

// endWithParent ends this process at once when the one that started it has ended without a word, as by kill -9. What it runs goes on,
// and the next one takes it over. Without a lifeline there is nothing to do.
func endWithParent() {
	if os.Getenv(lifelineEnv) == "" {
		return
	}
	_ = os.Unsetenv(lifelineEnv) // it is not for our children
	syscall.CloseOnExec(lifelineFD)
	lifeline := os.NewFile(lifelineFD, "lifeline")
	go func() {
		_, _ = lifeline.Read(make([]byte, 1)) // nobody writes: it ends with the other end
		os.Exit(1)
	}()
}
