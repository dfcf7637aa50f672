// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/use_future.hpp>

#include <future>

namespace portolan {

template <class T> T runSync(Executor executor, std::function<awaitable<T>()> work)
{
    return asio::co_spawn(executor, std::move(work), asio::use_future).get();
}

} // namespace portolan
