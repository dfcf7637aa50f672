// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <QFuture>
#include <QPromise>
#include <utility>

namespace portolan::demo {

/// A future that has its result already. (Qt's own maker of one is called otherwise from 6.6 on.)
template <class T> QFuture<T> ready(T value)
{
    QPromise<T> promise;
    promise.start();
    promise.addResult(std::move(value));
    promise.finish();
    return promise.future();
}

} // namespace portolan::demo
