package images

// The images that our own build makes. The registry's name resolves nowhere: they are loaded, never pulled.
const (
	// Pause is the first container of every pod sandbox.
	Pause = "registry.orrery.dev/pause:1"
	// Web is the demo application of the examples: it serves HTTP on port 8080.
	Web = "registry.orrery.dev/web:1"
)
