// What Tesseract and leptonica do to the whole process unless told otherwise.
#pragma once

namespace ocr {

// Neither library writes to standard error from here on. Cheap after the first call; thread-safe.
void silence_libraries();

// No OpenMP team for what this thread runs: with one, a page takes three times as long, and far longer when cores are short. Only
// this call, in the thread that recognises, works: libgomp reads OMP_THREAD_LIMIT before main, and omp_set_num_threads is
// overridden by Tesseract's own clauses.
void forbid_openmp_in_this_thread();

}  // namespace ocr
