// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/api/deployment.h"
#include "ui/widgets/zone_badge.h"

#include <QLabel>

namespace portolan::ui {

/// How a deployment stands, in one sentence, and what to do where something is wrong; below it which one this is.
class DeploymentHeader final : public QWidget
{
    Q_OBJECT

public:
    explicit DeploymentHeader(QWidget *parent = nullptr);
    enum class Detail : std::uint8_t { Here, Elsewhere };
    /// `problem`: why it is not there, where it should be; empty: it is, or nobody wants it. `detail`: whether the
    /// reason is read here, or the page says it.
    void show(const Deployment &deployment, const QString &problem = {}, Detail detail = Detail::Here);
    QString verdict() const { return m_verdict->accessibleName(); }
    QString advice() const { return m_advice->isHidden() ? QString() : m_advice->text(); }
    QWidget &nameRow() const { return *m_nameRow; } ///< says nothing of how it stands
    QRect standing() const { return m_verdict->geometry(); }

protected:
    void resizeEvent(QResizeEvent *event) override;

private:
    void elide();

    QWidget *m_nameRow;
    QLabel *m_name;
    QLabel *m_facts;
    ZoneBadge *m_verdict;
    QLabel *m_advice;
    QString m_fullName;
};

} // namespace portolan::ui
