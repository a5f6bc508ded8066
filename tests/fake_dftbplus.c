/* A stand-in for libdftbplus with the same C interface, for tests of the protocol and of nothing else: a harmonic energy
 * (hartree, bohr), plus a small memory of the last call, as charges are remembered. It behaves as badly as the real one:
 * on an error, and on a second instance at a time, it writes to its output file and ends the process. */
#include <stdio.h>
#include <stdlib.h>

typedef struct { void *p; } DftbPlus;
typedef struct { void *p; } DftbPlusInput;

static int instances = 0, natoms = 0;
static double memory = 0.0, coords[3000];
static FILE *out;

static void stop(const char *why)
{
  fprintf(out, "ERROR!\n-> %s\n", why);
  fclose(out);
  exit(1);
}

void dftbp_api(int *major, int *minor, int *patch) { *major = 0; *minor = API_MINOR; *patch = 0; }

void dftbp_init(DftbPlus *instance, const char *file)
{
  out = fopen(file, "w");
  if (instances++) stop("This build does not support multiple DFTB+ instances");
  instance->p = malloc(1);
  memory = 0.0;
}

void dftbp_get_input_from_file(DftbPlus *instance, const char *file, DftbPlusInput *input)
{
  char line[400];
  FILE *f = fopen(file, "r");
  if (!f) stop("no input");
  while (fgets(line, sizeof line, f)) fputs(line, out);
  fclose(f);
  input->p = malloc(1);
}

void dftbp_process_input(DftbPlus *instance, DftbPlusInput *input)
{
  FILE *f = fopen("geometry.gen", "r");
  if (!f || fscanf(f, "%d", &natoms) != 1) stop("no geometry");
  fclose(f);
  if (getenv("FAKE_DFTBPLUS_REFUSES")) stop("Invalid hamiltonian.\nLine: 4-17 (File: dftb_in.hsd)");
}

void dftbp_set_coords(DftbPlus *instance, const double *x)
{
  for (int i = 0; i < 3 * natoms; i++) coords[i] = x[i];
}

void dftbp_get_energy(DftbPlus *instance, double *energy)
{
  double sum = 0.0;
  *energy = 0.0;
  for (int i = 0; i < natoms; i++)
    for (int j = 0; j < i; j++) {
      double d2 = 0.0;
      for (int k = 0; k < 3; k++) {
        double d = coords[3 * i + k] - coords[3 * j + k];
        d2 += d * d;
      }
      if (d2 < 0.25) stop("SCC is NOT converged, maximal SCC iterations exceeded");
    }
  for (int i = 0; i < 3 * natoms; i++) {
    *energy += 0.5 * 0.25 * coords[i] * coords[i];
    sum += coords[i];
  }
  *energy += 1e-9 * memory;
  memory = sum + 0.5 * memory;
}

void dftbp_get_gradients(DftbPlus *instance, double *gradient)
{
  for (int i = 0; i < 3 * natoms; i++) gradient[i] = 0.25 * coords[i];
}

void dftbp_final(DftbPlus *instance)
{
  instances--;
  fclose(out);
  free(instance->p);
  instance->p = NULL;
}
