// Post an MMIF to an app and come back when its GPU is busy.
//     retry HOST PORT [TARGET] < in.mmif > out.mmif        TARGET: "/", or "/?parameter=value"
#include <algorithm>
#include <boost/asio/connect.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http.hpp>
#include <chrono>
#include <exception>
#include <iostream>
#include <iterator>
#include <string>
#include <thread>

namespace {

namespace http = boost::beast::http;
using tcp = boost::asio::ip::tcp;
using Clock = std::chrono::steady_clock;

constexpr std::chrono::seconds kPatience{600};

http::response<http::string_body> post(const std::string& host, const std::string& port, const std::string& target,
                                       const std::string& document) {
  boost::asio::io_context context;
  tcp::socket socket(context);
  boost::asio::connect(socket, tcp::resolver(context).resolve(host, port));
  http::request<http::string_body> request(http::verb::post, target, 11, document);
  request.set(http::field::host, host + ":" + port);
  request.set(http::field::content_type, "application/json");
  request.set(http::field::connection, "close");
  request.prepare_payload();
  http::write(socket, request);
  boost::beast::flat_buffer buffer;
  http::response_parser<http::string_body> parser;
  parser.body_limit(boost::none);
  http::read(socket, buffer, parser);
  return parser.release();
}

// Seconds to wait, or a negative number when trying again would not help: 507 never fits, 4xx is the document.
int pause_of(const http::response<http::string_body>& answer) {
  const unsigned status = answer.result_int();
  const auto text = answer[http::field::retry_after];
  if ((status != 429 && status != 503) || text.empty()) return -1;
  return std::clamp(std::stoi(std::string(text.data(), text.size())), 1, 60);
}

int run(const std::string& host, const std::string& port, const std::string& target) {
  const std::string document{std::istreambuf_iterator<char>(std::cin), std::istreambuf_iterator<char>()};
  const auto deadline = Clock::now() + kPatience;
  for (;;) {
    const auto answer = post(host, port, target, document);
    if (answer.result() == http::status::ok) {
      std::cout << answer.body();
      return 0;
    }
    std::cerr << answer.result_int() << ": " << answer.body() << "\n";
    const int pause = pause_of(answer);
    if (pause < 0) return 1;
    if (Clock::now() + std::chrono::seconds(pause) > deadline) return 75;
    std::this_thread::sleep_for(std::chrono::seconds(pause));
  }
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 3) return 2;
  try {
    return run(argv[1], argv[2], argc > 3 ? argv[3] : "/");
  } catch (const std::exception& error) {
    std::cerr << error.what() << "\n";
    return 1;
  }
}
