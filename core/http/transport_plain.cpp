// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/http/transport_impl.h"
#include "core/http/transports.h"

namespace portolan::http {

std::unique_ptr<Transport> plainTransport(TcpSocket socket)
{
    return std::make_unique<StreamTransport<TcpSocket>>(std::move(socket));
}

std::unique_ptr<Transport> unixTransport(UnixSocket socket)
{
    return std::make_unique<StreamTransport<UnixSocket>>(std::move(socket));
}

} // namespace portolan::http
