// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/api/clock.h"
#include "core/api/result.h"
#include "core/http/transport.h"

#include <memory>
#include <string>

namespace portolan::http {

std::unique_ptr<Transport> plainTransport(TcpSocket socket);
std::unique_ptr<Transport> unixTransport(UnixSocket socket);

/// A server's certificate and key: TLS 1.2 or later, ALPN http/1.1.
class TlsContext
{
public:
    virtual ~TlsContext() = default;
    virtual std::unique_ptr<Transport> transport(TcpSocket socket) = 0;

    /// Invalid names the file and what is wrong with it.
    static Result<std::shared_ptr<TlsContext>> load(const std::string &certificate, const std::string &key);
};

/// From when to when a server's certificate is good.
struct Validity
{
    WallTime from;
    WallTime until;
};

/// That of the first certificate of a PEM file. Invalid: there is none.
Result<Validity> certificateValidity(const std::string &certificate);

} // namespace portolan::http
