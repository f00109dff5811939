#include "service_backend.hpp"

#include "crash_line.hpp"

namespace clams::server {

HttpResponse ServiceBackend::annotate(HttpRequest request, std::stop_token stop) {
  const CpuBudget::Share cpu(cpus_);
  const RunningRequest running(request.request_id);
  RequestContext context;
  context.log = log_.with_context(request.request_id);
  context.request_id = std::move(request.request_id);
  context.stop = std::move(stop);
  context.cpu_share = [&cpu] { return cpu.threads(); };
  context.overdue = std::move(request.overdue);
  return to_response(service_.annotate(std::move(request.body).take_text(), RawParameters::from_query(request.query), context));
}

}  // namespace clams::server
