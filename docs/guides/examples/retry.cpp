// Post an MMIF to an app; come back while its GPU is busy or while the server restarts.
//     retry URL [IN [OUT]]        URL: http://HOST[:PORT][/?parameter=value]; IN: standard input if absent or "-";
//                                 OUT: standard output, else a file that appears when it is whole
// Exit status: 0 done, 1 failed (one line says why), 75 still refused after 10 minutes.
#include <algorithm>
#include <boost/asio/connect.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http.hpp>
#include <cctype>
#include <chrono>
#include <cstdio>
#include <exception>
#include <fstream>
#include <iostream>
#include <iterator>
#include <optional>
#include <string>
#include <thread>

namespace {

namespace asio = boost::asio;
namespace http = boost::beast::http;
using tcp = asio::ip::tcp;
using Clock = std::chrono::steady_clock;
using std::chrono::seconds;
using Answer = http::response<http::string_body>;

constexpr seconds kPatience{600};
constexpr seconds kLongest{60};  // of one pause

struct Url {
  std::string host, port, target;
};

std::optional<Url> parse_url(const std::string& text) {
  const std::string scheme = "http://";
  if (text.rfind(scheme, 0) != 0) return std::nullopt;
  const std::size_t slash = std::min(text.find_first_of("/?", scheme.size()), text.size());
  std::string host = text.substr(scheme.size(), slash - scheme.size()), port = "80", target = text.substr(slash);
  const std::size_t colon = host.rfind(':');
  if (colon != std::string::npos && host.find(']', colon) == std::string::npos) {
    port = host.substr(colon + 1);
    host.resize(colon);
  }
  if (host.size() > 2 && host.front() == '[') host = host.substr(1, host.size() - 2);
  if (host.empty() || port.empty()) return std::nullopt;
  return Url{host, port, target.empty() || target.front() != '/' ? "/" + target : target};
}

Answer post(const Url& url, const std::string& document) {
  asio::io_context context;
  tcp::socket socket(context);
  asio::connect(socket, tcp::resolver(context).resolve(url.host, url.port));
  http::request<http::string_body> request(http::verb::post, url.target, 11, document);
  request.set(http::field::host, url.host + ":" + url.port);
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

// Refused, or cut off in the middle: what a server that restarts does.
bool is_passing(const boost::system::error_code& error) {
  return error == asio::error::connection_refused || error == asio::error::connection_reset || error == asio::error::eof ||
         error == asio::error::broken_pipe || error == asio::error::connection_aborted || error == http::error::end_of_stream ||
         error == http::error::partial_message;
}

// The header decides, not the status: a server may refuse with 500. A server that goes down says 503, at times without it.
bool is_refusal(const Answer& answer) {
  return answer.count(http::field::retry_after) > 0 || answer.result_int() == 429 || answer.result_int() == 503;
}

// nullopt: there is no Retry-After, or it is no number of seconds.
std::optional<seconds> asked_pause(const Answer& answer) {
  const auto field = answer[http::field::retry_after];
  const std::string text(field.data(), field.size());
  const bool digits = !text.empty() && text.size() < 9 &&
                      std::all_of(text.begin(), text.end(), [](unsigned char c) { return std::isdigit(c) != 0; });
  return digits ? std::optional(std::min(seconds(std::stol(text)), kLongest)) : std::nullopt;
}

std::string one_line(std::string text) {
  std::replace(text.begin(), text.end(), '\n', ' ');
  return text;
}

// The last string of this name in a JSON text, up to its first line's end; empty if there is none.
std::string last_string(const std::string& body, const std::string& name) {
  const std::string key = "\"" + name + "\": \"";
  const std::size_t at = body.rfind(key);
  std::string out;
  for (std::size_t i = at == std::string::npos ? body.size() : at + key.size(); i < body.size() && body[i] != '"'; ++i) {
    if (body[i] != '\\') {
      out += body[i];
    } else if (++i < body.size()) {
      if (body[i] == 'n') break;
      out += body[i];
    }
  }
  return out;
}

// "error" of a refusal, "message" of the error view of an MMIF, or the beginning of the answer.
std::string message_of(const std::string& body) {
  for (const char* name : {"error", "message"}) {
    if (std::string found = last_string(body, name); !found.empty()) return found;
  }
  return one_line(body.substr(0, 500));
}

// One attempt: the answer; or nothing, and `pause` has the seconds that the server asks for, if it does.
std::optional<Answer> attempt(const Url& url, const std::string& document, std::optional<seconds>& pause) {
  pause.reset();
  try {
    Answer answer = post(url, document);
    if (!is_refusal(answer)) return answer;
    std::cerr << answer.result_int() << ": " << one_line(answer.body()) << std::endl;
    pause = asked_pause(answer);
  } catch (const boost::system::system_error& error) {
    if (!is_passing(error.code())) throw;
    std::cerr << "no connection, or it was lost: " << error.code().message() << std::endl;
  }
  return std::nullopt;
}

bool write(const std::string& path, const std::string& text) {
  if (path == "-") return static_cast<bool>(std::cout << text << std::flush);
  const std::string whole_later = path + ".tmp";
  std::ofstream out(whole_later, std::ios::binary);
  out << text;
  out.close();
  return out && std::rename(whole_later.c_str(), path.c_str()) == 0;
}

int run(const Url& url, const std::string& document, const std::string& target) {
  const auto deadline = Clock::now() + kPatience;
  seconds own_pause{1};
  for (;;) {
    std::optional<seconds> pause;
    if (const auto answer = attempt(url, document, pause)) {
      if (answer->result() == http::status::ok) {
        if (write(target, answer->body())) return 0;
        std::cerr << "cannot write " << target << "\n";
        return 1;
      }
      std::cerr << answer->result_int() << ": " << message_of(answer->body()) << "\n";
      return 1;
    }
    if (!pause) {
      pause = own_pause;
      own_pause = std::min(own_pause * 2, kLongest);
    }
    if (Clock::now() + *pause > deadline) {
      std::cerr << "still refused after " << kPatience.count() << " s\n";
      return 75;
    }
    std::this_thread::sleep_for(*pause);
  }
}

}  // namespace

int main(int argc, char** argv) {
  const auto url = argc >= 2 && argc <= 4 ? parse_url(argv[1]) : std::nullopt;
  if (!url) {
    std::cerr << "retry http://HOST[:PORT][/?parameter=value] [IN [OUT]]        '-' or nothing: standard input, standard output\n";
    return 2;
  }
  const std::string source = argc > 2 ? argv[2] : "-";
  try {
    std::ifstream file;
    if (source != "-") file.open(source, std::ios::binary);
    if (source != "-" && !file) {
      std::cerr << "cannot read " << source << "\n";
      return 1;
    }
    std::istream& in = source == "-" ? std::cin : file;
    const std::string document{std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
    return run(*url, document, argc > 3 ? argv[3] : "-");
  } catch (const std::exception& error) {
    std::cerr << error.what() << "\n";
    return 1;
  }
}
