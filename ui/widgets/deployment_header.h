// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include "core/api/deployment.h"
#include "ui/widgets/banner.h"

#include <QLabel>

namespace portolan::ui {

/// How a deployment stands, and what to do where something is wrong; below it which one this is.
class DeploymentHeader final : public QWidget
{
    Q_OBJECT

public:
    explicit DeploymentHeader(QWidget *parent = nullptr);
    /// `lines` as Banner has them. `problem`: why it is not there, where it should be; empty: it is, nobody wants it,
    /// or the page says it. What stands in the way of one elsewhere is the deployment's own to say.
    void show(const Deployment &deployment, const std::vector<BannerLine> &lines, const QString &problem = {});
    QString verdict() const { return m_banner->verdict(); }
    QString advice() const { return m_banner->advice(); }
    QWidget &nameRow() const { return *m_nameRow; } ///< says nothing of how it stands
    QWidget &noticeRoom() const { return *m_room; } ///< at the right of the name, which is read while it is covered
    void makeRoom(bool wanted);                     ///< a long name is shortened for what is told beside it
    QRect standing() const { return m_banner->geometry(); }
    Banner &banner() const { return *m_banner; }

signals:
    void pageWanted(const QString &id); ///< that explains a cause

protected:
    void resizeEvent(QResizeEvent *event) override;

private:
    void elide();

    QWidget *m_nameRow;
    QLabel *m_name;
    QWidget *m_room;
    QLabel *m_facts;
    Banner *m_banner;
    QString m_fullName;
    bool m_roomWanted = false;
};

} // namespace portolan::ui
