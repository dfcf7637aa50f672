// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/commands/local_get.h"

#include "core/base/asio.h"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/beast/core/basic_stream.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http.hpp>

#include <filesystem>

namespace portolan::commands {

namespace beast = boost::beast;
namespace bhttp = boost::beast::http;
using asio::local::stream_protocol;
using Stream = beast::basic_stream<stream_protocol, Executor>;

Result<std::string> getFromLocalSocket(const std::string &path, const std::string &target,
                                       std::chrono::milliseconds deadline)
{
    asio::io_context context(1);
    Stream stream(context.get_executor());
    stream.expires_after(deadline);
    Result<std::string> result = failure(ErrorKind::Timeout, "'" + path + "' did not answer in time.",
                                         "Is the server under heavy load? Try again, or read its log.");
    const auto exchange = [&]() -> awaitable<void> {
        error_code error;
        co_await stream.async_connect(stream_protocol::endpoint(path), asio::redirect_error(use_awaitable, error));
        std::error_code ignored;
        if (const auto folder = std::filesystem::path(path).parent_path();
            error && !std::filesystem::exists(folder, ignored)) {
            result =
                failure(ErrorKind::Unavailable, "There is no data directory '" + folder.string() + "'.",
                        "Start a portal with `portoland serve`, or name another with --data-dir or --url. One whose "
                        "directory was moved or deleted while it runs says so in its log: put the directory back.");
            co_return;
        }
        if (error) {
            result = failure(ErrorKind::Unavailable, "No portal answers at '" + path + "': " + error.message() + ".",
                             "Start it with `portoland serve`, or name another with --data-dir or --url.");
            co_return;
        }
        bhttp::request<bhttp::empty_body> request(bhttp::verb::get, target, 11);
        request.set(bhttp::field::host, "localhost");
        co_await bhttp::async_write(stream, request, asio::redirect_error(use_awaitable, error));
        beast::flat_buffer buffer;
        bhttp::response_parser<bhttp::string_body> parser;
        parser.body_limit(64 * 1024 * 1024);
        if (!error)
            co_await bhttp::async_read(stream, buffer, parser, asio::redirect_error(use_awaitable, error));
        if (error)
            co_return;
        if (parser.get().result() == bhttp::status::ok)
            result = std::move(parser.get().body());
        else
            result = failure(ErrorKind::Protocol, "The portal answered " + std::to_string(parser.get().result_int()) +
                                                      " to " + target + ".");
    };
    asio::co_spawn(context, exchange, asio::detached);
    context.run();
    return result;
}

} // namespace portolan::commands
