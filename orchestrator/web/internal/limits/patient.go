package limits

import (
	"io"
	"net/http"
	"time"
)

// patience is how long a sender or a reader may be silent.
const patience = 30 * time.Second

// Patient reads the body of a request that may take long: its sender must only never be silent for long. What is answered behind
// it has its time, too.
func Patient(w http.ResponseWriter, r *http.Request) io.Reader {
	return &patient{r.Body, http.NewResponseController(w)}
}

type patient struct {
	body    io.Reader
	control *http.ResponseController
}

// Read implements io.Reader. Deadlines are the system's clock's, whatever ours says; a test's writer has none.
func (p *patient) Read(b []byte) (int, error) {
	until := time.Now().Add(patience)
	_ = p.control.SetReadDeadline(until)
	_ = p.control.SetWriteDeadline(until.Add(patience))
	return p.body.Read(b)
}

// PatientWriter writes an answer that may take long: its reader must only never be silent for long.
func PatientWriter(w http.ResponseWriter) io.Writer {
	return &patientWriter{w, http.NewResponseController(w)}
}

type patientWriter struct {
	to      io.Writer
	control *http.ResponseController
}

// Write implements io.Writer.
func (p *patientWriter) Write(b []byte) (int, error) {
	_ = p.control.SetWriteDeadline(time.Now().Add(patience))
	return p.to.Write(b)
}

const (
	// lingerBytes and lingerTime bound what is still read of a body that is not wanted.
	lingerBytes, lingerTime = 32 << 20, 5 * time.Second
)

// Early has an answer written while the body of its request may still be coming. A sender who is cut off would not read the answer:
// what comes is thrown away for a while.
func Early(w http.ResponseWriter, r *http.Request, answer func()) {
	control := http.NewResponseController(w)
	_ = control.EnableFullDuplex() // a test's writer and HTTP/2 have no need of it
	w.Header().Set("Connection", "close")
	answer()
	_ = control.Flush()
	_ = control.SetReadDeadline(time.Now().Add(lingerTime)) // the system's clock
	_, _ = io.CopyN(io.Discard, r.Body, lingerBytes)
}
